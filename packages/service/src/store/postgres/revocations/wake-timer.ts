/** A timer that is set anew after each message to a state machine. */
export interface WakeTimer {
  /** @param time on the monotonic clock, in milliseconds; `Infinity`: never. */
  set(time: number): void;
}

export function createWakeTimer(monotonic: () => number, wake: () => void): WakeTimer {
  let timer: NodeJS.Timeout | undefined;
  return {
    set(time) {
      clearTimeout(timer);
      if (time !== Infinity) timer = setTimeout(wake, Math.max(0, Math.ceil(time - monotonic())));
    },
  };
}
