/** A timer that is set anew after each message to a state machine. */
export interface WakeTimer {
  /** @param time on the monotonic clock, in milliseconds; `Infinity`: never. */
  set(time: number): void;
}

/**
 * After a pause of the process timers come first, and then what has arrived meanwhile. A reply that has arrived is not late, so
 * `wake` is called after it.
 */
export function createWakeTimer(monotonic: () => number, wake: () => void): WakeTimer {
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  return {
    set(time) {
      clearTimeout(timer);
      clearImmediate(immediate);
      if (time === Infinity) return;
      timer = setTimeout(() => (immediate = setImmediate(wake)), Math.max(0, Math.ceil(time - monotonic())));
    },
  };
}
