import type { RequestCount } from "../shared/request-count.ts";

/** How long bodies are paused while other requests arrive, and how often that is checked, in milliseconds. */
const MAX_PAUSE_MS = 6_000;
const CHECK_INTERVAL_MS = 50;

/** A body whose connection is paused. */
export interface ThrottledBody {
  /** How many tiny pieces have arrived. */
  readonly tinyChunks: number;
  /** Lets its connection be read. */
  unthrottle(): void;
}

/** Paused bodies, which resume one after the other. Before each there is a pause, as long as there are other requests. */
export class ThrottleQueue {
  readonly #requests: RequestCount;
  readonly #paused: ThrottledBody[] = [];
  #isRunning = false;
  #begunBefore = 0;
  #pausedMs = 0;

  /** @param requests of the whole listener. */
  constructor(requests: RequestCount) {
    this.#requests = requests;
  }

  add(body: ThrottledBody): void {
    this.#paused.push(body);
    if (!this.#isRunning) this.#pause();
  }

  #pause(): void {
    this.#isRunning = this.#paused.length > 0;
    if (!this.#isRunning) return;
    this.#pausedMs = 0;
    this.#begunBefore = this.#requests.begun;
    setImmediate(this.#check);
  }

  readonly #check = (): void => {
    const isBusy = this.#requests.begun !== this.#begunBefore;
    this.#begunBefore = this.#requests.begun;
    if ((!isBusy && this.#pausedMs > 0) || this.#pausedMs >= MAX_PAUSE_MS) return this.#resumeNext();
    this.#pausedMs += CHECK_INTERVAL_MS;
    setTimeout(this.#check, CHECK_INTERVAL_MS).unref();
  };

  #resumeNext(): void {
    const body = this.#paused.shift();
    if (body === undefined) return this.#pause();
    const { tinyChunks } = body;
    body.unthrottle();
    // Its connection was read by then. One that was paused shows only now that its client has left: nothing comes, and that costs nothing.
    setImmediate(() => {
      if (body.tinyChunks === tinyChunks) this.#resumeNext();
      else this.#pause();
    });
  }
}
