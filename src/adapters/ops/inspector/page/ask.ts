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
