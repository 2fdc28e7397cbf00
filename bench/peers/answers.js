/**
 * What an echo answers, by path: the sidecar's own answer to one of the requests, headers and trailers included, so
 * that every peer writes as much.
 */
export function answersFromArguments() {
  const answers = JSON.parse(process.argv[2] ?? "[]");
  return new Map(
    answers.map(({ path, headers, trailers, message }) => [
      path,
      { headers, trailers, message: Buffer.from(message, "base64") },
    ]),
  );
}

/** Tells the bench where this peer listens; it ends with the bench. */
export function tellPorts(ports) {
  process.on("disconnect", () => process.exit());
  process.send(ports);
}
