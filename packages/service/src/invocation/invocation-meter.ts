import type { Histogram } from "../collections/histogram.ts";

/** How long the parts of an invocation took, in seconds. */
export interface InvocationDurations {
  /** What the service itself took. */
  readonly gateway: Histogram;
  /** What the target took until the head of its response, the wait for a connection included. */
  readonly target: Histogram;
}

/** What invocations count while they pass: plain numbers, which are read when metrics are asked for. */
export class InvocationMeter {
  readonly durations: InvocationDurations;
  /** Bytes of bodies and of WebSockets that came from clients. */
  clientBytes = 0;
  /** Bytes of bodies and of WebSockets that came from targets. */
  targetBytes = 0;
  /** Responses that have begun and not ended. */
  openResponses = 0;
  openWebSockets = 0;

  constructor(durations: InvocationDurations) {
    this.durations = durations;
  }
}
