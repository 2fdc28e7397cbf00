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
