import type { LogFields, Logger } from "../../src/ports/logger.js";

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** Keeps what was logged, for a test to read. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];
  readonly #waiting = new Set<() => void>();

  error(message: string, fields?: LogFields): void {
    this.#add({ level: "error", message, fields });
  }

  warn(message: string, fields?: LogFields): void {
    this.#add({ level: "warn", message, fields });
  }

  info(message: string, fields?: LogFields): void {
    this.#add({ level: "info", message, fields });
  }

  debug(message: string, fields?: LogFields): void {
    this.#add({ level: "debug", message, fields });
  }

  /** How many lines contain this. */
  count(text: string): number {
    return this.lines.filter(({ message }) => message.includes(text)).length;
  }

  /** Resolves once so many lines contain this. */
  until(text: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.count(text) < times) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #add(line: LogLine): void {
    this.lines.push(line);
    for (const look of [...this.#waiting]) look();
  }
}
