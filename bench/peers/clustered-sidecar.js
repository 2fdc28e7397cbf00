/** The sidecar as it is, several times behind one port: node:cluster hands each connection to one of them. */
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";

cluster.setupPrimary({ exec: fileURLToPath(new URL("../../dist/bootstrap/cli.js", import.meta.url)), args: ["serve"] });
for (let worker = 0; worker < Number(process.argv[2]); worker++) cluster.fork();
cluster.on("exit", () => process.exit(1));
