import { EventEmitter } from "node:events";

type Listener = (chunk: Buffer) => void;

/** The events of an object that lives for one request. Few get a listener, and an `EventEmitter` costs more than the rest of the object. */
export class LazyEvents {
  #emitter: EventEmitter | undefined;

  on(event: string, listener: Listener): this {
    (this.#emitter ??= new EventEmitter()).on(event, listener);
    return this;
  }

  once(event: string, listener: Listener): this {
    (this.#emitter ??= new EventEmitter()).once(event, listener);
    return this;
  }

  off(event: string, listener: Listener): this {
    this.#emitter?.off(event, listener);
    return this;
  }

  protected emit(event: string, chunk?: Buffer): void {
    this.#emitter?.emit(event, chunk);
  }
}
