import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** The programs of a demonstration: started one by one, and ended all together. */
export class Cast {
  #children = [];

  /** @returns the match of what it prints once it is there */
  async start(name, args, environment, pattern, command = process.execPath) {
    const child = spawn(command, args, { env: { PATH: process.env.PATH, ...environment }, stdio: "pipe" });
    this.#children.push(child);
    let printed = "";
    return await new Promise((resolve, reject) => {
      const look = (chunk) => {
        printed += chunk;
        const match = pattern.exec(printed);
        if (match === null) return;
        for (const output of [child.stdout, child.stderr]) output.off("data", look).resume();
        process.stdout.write(`started ${name}\n`);
        resolve(match);
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${name} ended with ${code}:\n${printed}`)));
    });
  }

  /** @returns its port */
  async startRedis() {
    const port = await freePort();
    await this.start(
      "Redis",
      ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      {},
      /Ready to accept connections/,
      "redis-server",
    );
    return port;
  }

  async end() {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(
      running.map((child) => {
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        return exited;
      }),
    );
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
