/** What belongs to one connection or one protocol, and is made anew for the next. */
const OF_THE_PROTOCOL =
  /^(?::.*|connection|content-.*|transfer-encoding|te|trailer|host|keep-alive|upgrade|proxy-.*|expect|date|accept-encoding|user-agent|(?:grpc|connect)-.*)$/;

/** Headers of a call as they go on to whoever answers it, or come back from there. */
export function passedHeaders(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => !OF_THE_PROTOCOL.test(name)));
}

export function copyHeaders(from: Headers, to: Headers): void {
  for (const [name, value] of passedHeaders(from)) to.set(name, value);
}
