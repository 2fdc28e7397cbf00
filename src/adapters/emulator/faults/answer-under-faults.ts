import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import {
  apiError,
  errorsBody,
  halfOf,
  type HttpAnswer,
  jsonAnswer,
  sendAnswer,
  sendTruncated,
} from "../http-answer.js";
import type { Struck } from "./fault-board.js";
import type { HttpRule } from "./fault-rules.js";

/** Answers a request, or lets the fault that strikes it have its way. Never rejects on account of the client. */
export async function answerUnderFaults(
  request: IncomingMessage,
  response: ServerResponse,
  struck: Struck<HttpRule> | undefined,
  workOut: () => Promise<HttpAnswer>,
): Promise<void> {
  if (struck === undefined) {
    sendAnswer(response, await workOut());
    return;
  }
  const { rule, off } = struck;
  switch (rule.kind) {
    case "delay": {
      const answer = await workOut();
      await Promise.race([delay(rule.ms, undefined, { ref: false }), off]);
      sendAnswer(response, answer);
      return;
    }
    case "hold": {
      const answer = await workOut();
      await off;
      sendAnswer(response, answer);
      return;
    }
    case "hang":
      return;
    case "status":
      sendAnswer(response, {
        status: rule.status,
        body: rule.body ?? JSON.stringify(errorsBody(apiError(`HTTP ${rule.status}`, "UnexpectedError"))),
      });
      return;
    case "reset":
      if (rule.when === "after-effect") await workOut();
      request.socket.resetAndDestroy();
      return;
    case "malformed": {
      const answer = await workOut();
      sendAnswer(response, { status: 200, body: rule.body ?? halfOf(answer.body) });
      return;
    }
    case "truncated":
      sendTruncated(response, await workOut());
      return;
    case "errors":
      sendAnswer(response, jsonAnswer(200, errorsBody(apiError(rule.message, rule.code))));
      return;
  }
}
