import { createNodeHttpClient } from "@connectrpc/connect-node";

/** How a sidecar is reached; the options of TLS are Node's. */
export interface Reach {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: { readonly ca?: Buffer; readonly rejectUnauthorized?: boolean };
  readonly timeoutMs: number;
}

/**
 * Whether a sidecar knows that there is no such feature at all: by OFREP, which tells that from a feature that the customer lacks.
 * False where it cannot tell, or does not answer: nothing more is said then.
 */
export async function isUnknownFeature(
  { baseUrl, headers, tls, timeoutMs }: Reach,
  customerId: string,
  featureId: string,
): Promise<boolean> {
  try {
    const ask = createNodeHttpClient({ httpVersion: "1.1", nodeOptions: tls });
    const { status, body } = await ask({
      url: `${baseUrl}/ofrep/v1/evaluate/flags/${encodeURIComponent(featureId)}`,
      method: "POST",
      header: new Headers({ ...headers, "content-type": "application/json" }),
      body: once(Buffer.from(JSON.stringify({ context: { targetingKey: customerId } }))),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    if (status !== 404) return false;
    const { errorCode } = JSON.parse(Buffer.concat(parts).toString()) as { readonly errorCode?: unknown };
    return errorCode === "FLAG_NOT_FOUND";
  } catch {
    return false;
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}
