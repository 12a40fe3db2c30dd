import { freePort } from "./free-port.ts";

/** What a scrape shows. */
export interface Scrape {
  /** As Prometheus reads it. */
  readonly text: string;
  /**
   * Returns the value of a series.
   *
   * @param labels as in the text: `outcome="completed",reason=""`.
   */
  value(name: string, labels?: string): number | undefined;
  /** The sum over all series of a metric. */
  total(name: string): number;
}

/** An address for metrics, with the flag that sets it. */
export interface MetricsAddress {
  readonly port: number;
  readonly flags: readonly string[];
  scrape(): Promise<Scrape>;
  /** The status of a path. */
  status(path: string): Promise<number>;
}

export async function metricsAddress(): Promise<MetricsAddress> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  return {
    port,
    flags: ["--metrics-listen", `127.0.0.1:${port}`],
    async scrape() {
      const response = await fetch(`${origin}/metrics`);
      const text = await response.text();
      if (response.status !== 200) throw new Error(`a scrape is a ${response.status}: ${text}`);
      return parseScrape(text);
    },
    status: async (path) => {
      const response = await fetch(`${origin}${path}`);
      await response.text();
      return response.status;
    },
  };
}

export function parseScrape(text: string): Scrape {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, series, value] = /^([^#].*) (\S+)$/.exec(line) ?? [];
    if (series !== undefined) values.set(series, Number(value));
  }
  return {
    text,
    value: (name, labels) => values.get(labels === undefined ? name : `${name}{${labels}}`),
    total: (name) =>
      Array.from(values)
        .filter(([series]) => series === name || series.startsWith(`${name}{`))
        .reduce((sum, [, value]) => sum + value, 0),
  };
}
