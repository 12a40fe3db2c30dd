/**
 * Makes equal parts of states the same object, and gives each a number. What a function returns for them is computed once: an
 * exploration calls the functions of the product for each state of a process, not for each state of the system.
 */
export interface Registry {
  canonical<T extends object>(part: T): T;
  /** @param part a canonical one, or nothing. */
  numberOf(part: object | undefined): number;
  /** @param key names the function and the numbers of its arguments. */
  memoize<T>(key: string, compute: () => T): T;
}

export function createRegistry(): Registry {
  const parts = new Map<string, object>();
  const numbers = new WeakMap<object, number>();
  const results = new Map<string, unknown>();
  return {
    canonical<T extends object>(part: T): T {
      if (numbers.has(part)) return part;
      const text = JSON.stringify(part, bigintAsText);
      const known = parts.get(text);
      if (known !== undefined) return known as T;
      parts.set(text, part);
      numbers.set(part, parts.size);
      return part;
    },
    numberOf(part) {
      if (part === undefined) return 0;
      const number = numbers.get(part);
      if (number === undefined) throw new Error("a part of a state is not canonical");
      return number;
    },
    memoize<T>(key: string, compute: () => T): T {
      const known = results.get(key);
      if (known !== undefined) return known as T;
      const result = compute();
      results.set(key, result);
      return result;
    },
  };
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
