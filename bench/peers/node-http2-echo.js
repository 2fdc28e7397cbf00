/** The least that a gRPC server on node:http2 can do: reads a request to its end and answers bytes that are prepared. */
import { createServer } from "node:http2";
import { answersFromArguments, tellPorts } from "./answers.js";

const GRPC_PREFIX_BYTES = 5;
const WITH_TRAILERS = { waitForTrailers: true };

const answers = new Map(
  [...answersFromArguments()].map(([path, { headers, trailers, message }]) => [
    path,
    { headers, trailers, frame: framed(message) },
  ]),
);

const server = createServer();
server.on("stream", (stream, headers) => {
  const answer = answers.get(headers[":path"]);
  stream.on("data", ignore);
  stream.on("wantTrailers", () => stream.sendTrailers(answer.trailers));
  stream.on("end", () => {
    stream.respond(answer.headers, WITH_TRAILERS);
    stream.end(answer.frame);
  });
  stream.on("error", ignore);
});
server.listen(0, "127.0.0.1", () => tellPorts({ grpcPort: server.address().port }));

function framed(message) {
  const prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function ignore() {
  // What was asked makes no difference, and a caller who is gone needs no answer.
}
