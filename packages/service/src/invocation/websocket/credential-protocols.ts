/**
 * Subprotocols that are not a protocol but hold a credential: OpenAI Realtime in browsers, where no other header can be set, and
 * Kubernetes, whose value is in base64url. In any case, and as a quoted text too: some servers read these as well.
 */
const CREDENTIAL_PROTOCOL = /^"?(?:openai-insecure-api-key|base64url\.bearer\.authorization\.k8s\.io)\./i;

/**
 * Takes the credentials out of a list of subprotocols.
 *
 * @param value a line of `Sec-WebSocket-Protocol`.
 * @returns the value as it is if it has none; nothing if it has nothing else.
 */
export function withoutCredentials(value: string): string | undefined {
  const protocols = value.split(",").map((protocol) => protocol.trim());
  const kept = protocols.filter((protocol) => !CREDENTIAL_PROTOCOL.test(protocol));
  if (kept.length === protocols.length) return value;
  return kept.every((protocol) => protocol === "") ? undefined : kept.join(", ");
}
