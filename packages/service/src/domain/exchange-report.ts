/** The state of a request to a target, during it and after it. */
export interface ExchangeReport {
  /** Status of the target's response, if its head arrived. */
  readonly upstreamStatus: number | undefined;
  /** Bytes of the body of the target's response that were passed on. */
  readonly forwardedBytes: number;
  /** Bytes that the client sent after a 101; absent for any other response. */
  readonly receivedBytes?: number;
  /** Milliseconds since the request was ready to be sent: reads the clock. */
  elapsedMs(): number;
}
