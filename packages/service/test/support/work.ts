/**
 * Measures the shortest of several runs, in milliseconds, since other load on the machine only adds time.
 *
 * @param enough no further run is needed below it.
 */
export function cost(run: () => unknown, runs: number, enough = 0): number {
  let best = Infinity;
  for (let done = 0; done < runs && best > enough; done += 1) {
    const before = performance.now();
    try {
      run();
    } catch {
      // Many parsers throw for invalid input. Only the time is measured.
    }
    best = Math.min(best, performance.now() - before);
  }
  return best;
}

/** Reads each character once, which every parser must do. */
export function walk(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) sum = (sum + text.charCodeAt(at)) | 0;
  return sum;
}
