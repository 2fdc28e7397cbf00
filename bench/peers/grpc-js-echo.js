/** The same echo on @grpc/grpc-js, with messages as plain bytes. */
import { Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { answersFromArguments, tellPorts } from "./answers.js";

const server = new Server();
for (const [path, { headers, message }] of answersFromArguments()) {
  const definition = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const sent = Object.entries(headers).filter(([name]) => name.startsWith("x-"));
  const call = (request, answer) => {
    const metadata = new Metadata();
    for (const [name, value] of sent) metadata.set(name, value);
    request.sendMetadata(metadata);
    answer(null, message);
  };
  server.addService({ [path]: definition }, { [path]: call });
}
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  tellPorts({ grpcPort: port });
});

function asIs(bytes) {
  return bytes;
}
