export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The unit in which a wallet of credits is kept. */
export interface CreditCurrency {
  readonly currencyId: string;
  readonly displayName: string;
  readonly description?: string | undefined;
  readonly unitSingular?: string | undefined;
  readonly unitPlural?: string | undefined;
  readonly additionalMetaData?: Readonly<Record<string, JsonValue>> | undefined;
}
