import { once } from "node:events";
import { connect } from "node:http2";
import { afterAll, expect, it } from "@jest/globals";
import { Certificates } from "../listener/certificates.js";
import { startListening } from "../listener/listening.js";
import { answerPattern, PATHS, pattern, PatternFastPath } from "./http2-answering.js";

const certificates = new Certificates();
afterAll(() => certificates.remove());

/** Over TLS no write is done at once: what waits must be neither written over nor changed. */
it("many answers at once, large and small, arrive whole over TLS", async () => {
  const tls = certificates.selfSigned();
  const { port } = await startListening({ tls, onExchange: answerPattern, fastPath: new PatternFastPath() });
  const sessions = Array.from({ length: 4 }, () => connect(`https://127.0.0.1:${port}`, { ca: tls.cert }));
  const sizes = Array.from({ length: 100 }, (_, index) => (index % 4 === 0 ? 300_000 : index * 17));
  const answers = sessions.flatMap((session) =>
    sizes.flatMap((size) =>
      PATHS.map(async (who) => {
        const stream = session.request({ ":method": "POST", ":path": `/${who}/${size}` });
        stream.end("hello");
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        await once(stream, "end");
        return Buffer.concat(chunks).equals(pattern(size));
      }),
    ),
  );
  expect(new Set(await Promise.all(answers))).toEqual(new Set([true]));
  for (const session of sessions) session.close();
});
