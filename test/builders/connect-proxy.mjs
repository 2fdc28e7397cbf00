// A proxy by CONNECT as a process of its own. Prints its port, and then a line for each host that it is asked for.
import { createServer } from "node:http";
import { connect } from "node:net";

const tell = (line) => process.stdout.write(`${line}\n`);
const credentials = process.env.CREDENTIALS;
const server = createServer((request, response) => {
  tell(`${request.method} ${request.url}`);
  response.writeHead(405).end();
});
server.on("connect", (request, socket, head) => {
  tell(`CONNECT ${request.url}`);
  socket.on("error", () => undefined);
  const given = request.headers["proxy-authorization"];
  if (credentials !== undefined && given !== `Basic ${Buffer.from(credentials).toString("base64")}`) {
    socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    return;
  }
  const { hostname, port } = new URL(`http://${request.url}`);
  const target = connect(Number(port), hostname, () => {
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    target.write(head);
    target.pipe(socket).pipe(target);
  });
  target.on("error", () => socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"));
  socket.on("close", () => target.destroy());
});
server.listen(0, "127.0.0.1", () => tell(`port ${server.address().port}`));
