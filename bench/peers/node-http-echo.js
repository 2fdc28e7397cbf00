/** The least that a server of JSON on node:http can do: reads a request to its end and answers a prepared text. */
import { createServer } from "node:http";
import { answersFromArguments, tellPorts } from "./answers.js";

const answers = new Map(
  [...answersFromArguments()].map(([path, { headers, message }]) => [path, { headers, text: message.toString() }]),
);

const server = createServer((request, response) => {
  const { headers, text } = answers.get(request.url);
  request.on("data", ignore);
  request.on("end", () => response.writeHead(200, headers).end(text));
});
server.listen(0, "127.0.0.1", () => tellPorts({ grpcPort: 0, jsonPort: server.address().port }));

function ignore() {
  // What was asked makes no difference.
}
