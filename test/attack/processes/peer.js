/** The bare servers beside which the service is attacked: they read a request to its end and answer a constant. */
import { readFileSync } from "node:fs";
import { createServer as createHttp1Server } from "node:http";
import { createSecureServer, createServer } from "node:http2";

const [certFile, keyFile] = process.argv.slice(2);
/** As many bytes as the service answers to a check, and to a list. */
const CHECK_ANSWER = framed(Buffer.alloc(100));
const LIST_ANSWER = framed(Buffer.alloc(3_000));
const JSON_ANSWER = JSON.stringify({ hasAccess: true, text: "x".repeat(300) });

const servers = [
  createServer(answer),
  createHttp1Server(answer),
  createSecureServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), allowHTTP1: true }, answer),
];
for (const server of servers) await new Promise((done) => server.listen(0, "127.0.0.1", done));
const [http2Port, http1Port, tlsPort] = servers.map((server) => server.address().port);
process.on("disconnect", () => process.exit());
process.send({ http2Port, http1Port, tlsPort });

function answer(request, response) {
  request.on("error", ignore);
  response.on("error", ignore);
  request.resume().on("end", () => {
    if (request.httpVersionMajor === 1) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON_ANSWER);
      return;
    }
    response.addTrailers({ "grpc-status": "0" });
    response.writeHead(200, { "content-type": "application/grpc" });
    response.end(request.url.endsWith("GetEntitlementsStateV2") ? LIST_ANSWER : CHECK_ANSWER);
  });
}

function framed(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function ignore() {
  // A caller who is gone needs no answer.
}
