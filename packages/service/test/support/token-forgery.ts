import fc from "fast-check";
import { uriOf } from "../../../testkit/src/client.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import type { TestService } from "../../../testkit/src/service.ts";

/** Returns the bytes of the store's rows and the fingerprints in the log, from which an attacker could try to make tokens. */
export async function visibleTraces(service: TestService): Promise<readonly string[]> {
  await using store = await openRawStore(service.directory);
  const keys = [...(await store.rows("nodes")), ...(await store.rows("lookups"))].map(({ key }) => key);
  const fingerprints = service.logged().match(/(?<="capability":")\w+/g) ?? [];
  return [...new Set([...keys.map((key) => key.toString("hex")), ...fingerprints])];
}

/** Makes texts in the form of a token from such bytes. */
export function tokensFrom(trace: string): readonly string[] {
  const bytes = Buffer.from(trace, "hex");
  const forms = [Buffer.alloc(64, bytes), Buffer.concat([bytes, Buffer.alloc(64)]), Buffer.alloc(64, trace)];
  return [trace, ...forms.map((form) => `CPBLTY1-${form.subarray(0, 64).toString("base64url")}`)];
}

/** A request without its token and method. */
export interface ForgeryAttempt {
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/**
 * @param foreign.ids ids of the other tenant.
 * @param foreign.texts texts from which an attacker could try to make its tokens.
 * @param uri a target of the attacker.
 */
export function forgeryAttempt(
  service: TestService,
  foreign: { readonly ids: readonly string[]; readonly texts: readonly string[] },
  uri: string,
): fc.Arbitrary<ForgeryAttempt> {
  const ids = foreign.ids.flatMap((id) => [id, id.slice(0, -1), `${id}\u0001`, id.toUpperCase()]);
  const name = fc.oneof(fc.constantFrom(...ids), fc.constantFrom(...foreign.texts));
  const value = fc.oneof(name, fc.constantFrom("", "0", "1", "1000", "-1", "*", "%", "null"));
  const pair = fc
    .tuple(fc.constantFrom("id", "lastId", "limit", "prefix", "tenant", "membrane", "uid"), value)
    .map(([key, text]) => `${key}=${encodeURIComponent(text)}`);
  const query = fc.oneof(
    fc.constant(""),
    fc.constantFrom(...foreign.ids).map((id) => `?limit=1000&lastId=${id.slice(0, 3)}`),
    fc.array(pair, { minLength: 1, maxLength: 3 }).map((pairs) => `?${pairs.join("&")}`),
  );
  const field = fc.constantFrom("id", "tenant", "membrane", "through", "uid", "lastId", "__proto__");
  const body = fc.oneof(
    fc.constant(""),
    name.map((id) => JSON.stringify({ id })),
    fc.constantFrom(...foreign.texts).map((text) => JSON.stringify({ capability: uriOf(service, text) })),
    fc
      .record({ key: field, text: name })
      .map(({ key, text }) => `{"uri":"${uri}","${key}":${JSON.stringify(text)}}`),
    fc
      .record({ key: field, text: name })
      .map(({ key, text }) => `{"id":"mine","${key}":${JSON.stringify(text)}}`),
    fc.constant(JSON.stringify({ uri })),
    fc.constant(JSON.stringify({ uri: `http://${service.authority}/` })),
    fc.json({ maxDepth: 2 }),
  );
  const header = fc
    .tuple(fc.constantFrom("X-Tenant", "X-Membrane", "From", "Forwarded", "X-Original-URL", "Cookie"), name)
    .map(([key, text]) => `${key}: ${encodeURIComponent(text)}`);
  return fc.record({
    path: fc.oneof(
      { weight: 6, arbitrary: query.map((text) => `/${text}`) },
      { weight: 1, arbitrary: name.map((text) => `/${encodeURIComponent(text)}`) },
    ),
    headers: fc.array(header, { maxLength: 2 }),
    body,
  });
}
