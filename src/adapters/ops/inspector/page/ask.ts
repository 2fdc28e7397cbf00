/** What the page was given behind its address's `#`, where it is sent to nobody. */
const token = new URLSearchParams(location.hash.slice(1)).get("token");

/** Asks the port that the page came from. @throws Error with what the port said was wrong */
export async function askText(path: string): Promise<string> {
  const response = await fetch(path, { headers: token === null ? {} : { authorization: `Bearer ${token}` } });
  const text = await response.text();
  // A status is answered with 503 where the service is not as it should be.
  if (!response.ok && response.status !== 503) throw new Error(errorIn(text) ?? `HTTP ${response.status}`);
  return text;
}

export async function ask<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
  const search = new URLSearchParams(query).toString();
  return JSON.parse(await askText(search === "" ? path : `${path}?${search}`)) as T;
}

function errorIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { readonly error?: string };
    return error;
  } catch {
    return undefined;
  }
}

/** Looks now and each second while the page is seen. @returns ends it */
export function everySecond(look: () => Promise<void>, fail: (message: string) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isEnded = false;
  const next = async () => {
    try {
      if (document.visibilityState === "visible") await look();
    } catch (error) {
      fail(messageOf(error));
    }
    if (!isEnded) timer = setTimeout(() => void next(), 1_000);
  };
  void next();
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
