/** How many requests a listener has begun, on every lane. */
export interface RequestCount {
  begun: number;
}
