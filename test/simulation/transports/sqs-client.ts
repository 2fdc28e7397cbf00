import type { BatchResult, ReceivedMessage, SqsServer } from "../servers/sqs-server.js";
import type { SimProcess } from "../world/sim-process.js";
import { theWorld } from "../world/world.js";

/** What stands in for the library `@aws-sdk/client-sqs`: its calls, their timeouts and their retries. */
export interface VirtualQueue {
  readonly host: string;
  readonly server: SqsServer;
  /** How it answers whatever it is asked. */
  state: "up" | "503" | "403";
}

const queues = new WeakMap<object, Map<string, VirtualQueue>>();

/** Microseconds: of the client's processor for an answer, and what a call takes at the server. */
const COST_OF_ANSWER = 250;
const CALL_TAKES = 4_000;
/** The library's first wait before it tries again, and the longest, milliseconds. */
const RETRY_AFTER_MS = 100;
const RETRY_AFTER_MS_AT_MOST = 20_000;

export function listenSqs(queue: VirtualQueue): void {
  const world = theWorld();
  const known = queues.get(world) ?? new Map<string, VirtualQueue>();
  queues.set(world, known);
  known.set(queue.host, queue);
}

interface ClientOptions {
  readonly endpoint: string;
  readonly maxAttempts: number;
  readonly requestHandler: { readonly requestTimeout: number };
}

interface Command {
  serve(server: SqsServer, reply: (output: unknown) => void): void;
}

interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

/** As the library's: a name that says what it is. */
class SqsFailure extends Error {
  readonly $metadata: { readonly httpStatusCode?: number };
  readonly isWorthRetrying: boolean;

  constructor(name: string, message: string, isWorthRetrying: boolean, httpStatusCode?: number) {
    super(message);
    this.name = name;
    this.isWorthRetrying = isWorthRetrying;
    this.$metadata = httpStatusCode === undefined ? {} : { httpStatusCode };
  }
}

export class SQSClient {
  readonly #options: ClientOptions;
  readonly #host: string;
  /** Ends those under way. */
  readonly #pending = new Set<() => void>();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#host = new URL(options.endpoint).hostname;
  }

  async send(command: Command, { abortSignal }: SendOptions = {}): Promise<unknown> {
    const { maxAttempts } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(command, abortSignal);
      } catch (error) {
        if (!(error instanceof SqsFailure) || !error.isWorthRetrying || attempt >= maxAttempts) throw error;
        const longest = Math.min(RETRY_AFTER_MS * 2 ** attempt, RETRY_AFTER_MS_AT_MOST);
        await new Promise<void>((resolve) => setTimeout(resolve, longest * Math.random()));
      }
    }
  }

  destroy(): void {
    for (const end of [...this.#pending]) end();
  }

  #attempt(command: Command, abortSignal: AbortSignal | undefined): Promise<unknown> {
    const { scheduler } = theWorld();
    const process = scheduler.current;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const over = (): boolean => {
        if (isOver) return false;
        isOver = true;
        clearTimeout(timer);
        this.#pending.delete(end);
        abortSignal?.removeEventListener("abort", abort);
        return true;
      };
      const fail = (error: Error) => {
        if (over()) reject(error);
      };
      const end = () => fail(new SqsFailure("Error", "socket hang up", true));
      const abort = () => fail(new SqsFailure("AbortError", "Request aborted", false));
      const { requestTimeout } = this.#options.requestHandler;
      const timer = setTimeout(
        () => fail(new SqsFailure("TimeoutError", `not answered within ${requestTimeout} ms`, true)),
        requestTimeout,
      );
      this.#pending.add(end);
      abortSignal?.addEventListener("abort", abort);
      if (abortSignal?.aborted === true) abort();
      else
        this.#ask(command, process, (outcome) => {
          if (isOver) return;
          scheduler.charge(COST_OF_ANSWER);
          if (outcome instanceof Error) fail(outcome);
          else if (over()) resolve(outcome);
        });
    });
  }

  #ask(command: Command, process: SimProcess | undefined, answered: (outcome: unknown) => void): void {
    const { network, scheduler } = theWorld();
    const from = process?.host ?? "world";
    const there = network.pipe(from, this.#host, undefined);
    const back = network.pipe(this.#host, from, process);
    const reply = (outcome: unknown) => back.send(() => answered(outcome));
    there.send(() => {
      const queue = queues.get(theWorld())?.get(this.#host);
      if (queue === undefined || network.isRefusing(this.#host)) {
        reply(new SqsFailure("Error", "connect ECONNREFUSED", true));
        return;
      }
      scheduler.after(CALL_TAKES, undefined, () => {
        if (queue.state === "503") reply(new SqsFailure("ServiceUnavailable", "unavailable", true, 503));
        else if (queue.state === "403")
          reply(new SqsFailure("ExpiredToken", "the security token has expired", false, 403));
        else command.serve(queue.server, reply);
        return true;
      });
    });
  }
}

export class GetQueueAttributesCommand implements Command {
  serve(server: SqsServer, reply: (output: { readonly Attributes: object }) => void): void {
    reply({ Attributes: server.attributes() });
  }
}

interface ReceiveInput {
  readonly MaxNumberOfMessages: number;
  readonly WaitTimeSeconds: number;
  readonly VisibilityTimeout: number;
}

export class ReceiveMessageCommand implements Command {
  readonly #input: ReceiveInput;

  constructor(input: ReceiveInput) {
    this.#input = input;
  }

  serve(server: SqsServer, reply: (output: { readonly Messages: readonly ReceivedMessage[] }) => void): void {
    const { MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout } = this.#input;
    server.receive(MaxNumberOfMessages, VisibilityTimeout, WaitTimeSeconds, (messages) =>
      reply({ Messages: messages }),
    );
  }
}

export class DeleteMessageBatchCommand implements Command {
  readonly #entries: Parameters<SqsServer["removeBatch"]>[0];

  constructor({ Entries }: { readonly Entries: Parameters<SqsServer["removeBatch"]>[0] }) {
    this.#entries = Entries;
  }

  serve(server: SqsServer, reply: (output: BatchResult) => void): void {
    reply(server.removeBatch(this.#entries));
  }
}

export class ChangeMessageVisibilityBatchCommand implements Command {
  readonly #entries: Parameters<SqsServer["changeVisibilityBatch"]>[0];

  constructor({ Entries }: { readonly Entries: Parameters<SqsServer["changeVisibilityBatch"]>[0] }) {
    this.#entries = Entries;
  }

  serve(server: SqsServer, reply: (output: BatchResult) => void): void {
    reply(server.changeVisibilityBatch(this.#entries));
  }
}
