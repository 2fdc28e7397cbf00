const GIVE_UP_AFTER_MS = 30_000;

/** @returns asks one sidecar how much a customer has used of a feature */
export function questionTo(baseUrl, customerId, featureId) {
  return async () => {
    const response = await fetch(`${baseUrl}/stigg.sidecar.v1.SidecarService/GetMeteredEntitlement`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ customerId, featureId }),
    });
    const { entitlement = {} } = await response.json();
    return { usageLimit: Number(entitlement.usageLimit ?? 0), currentUsage: Number(entitlement.currentUsage ?? 0) };
  };
}

/** Asks all again and again until each has answered so. */
export async function untilBothAnswer(questions, isExpected) {
  const until = performance.now() + GIVE_UP_AFTER_MS;
  await Promise.all(
    questions.map(async (ask) => {
      for (;;) {
        const answer = await ask();
        if (isExpected(answer)) return;
        if (performance.now() > until) throw new Error(`a sidecar still answers ${JSON.stringify(answer)}`);
      }
    }),
  );
}
