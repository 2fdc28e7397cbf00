import type { Subject } from "../../../domain/subject.js";
import type { Span } from "../../../ports/tracer.js";

/** A subject that is asked for as a part of a span: what makes calls resilient hands it through as it is. */
export interface TracedSubject extends Subject {
  readonly span?: Span | undefined;
}

/** The same of what is reported. */
export interface TracedReport<R> {
  readonly report: R;
  readonly span: Span | undefined;
}

export function tracedSubject(subject: Subject, span: Span | undefined): TracedSubject {
  return span === undefined ? subject : { ...subject, span };
}
