/** A header of a client that holds a token. */
export interface TokenCarrier {
  readonly name: string;
  readonly header: (token: string) => readonly [name: string, value: string];
}

/** Every header in which a request without `Upgrade` can hold its token, as real clients write it. */
export const TOKEN_CARRIERS: readonly TokenCarrier[] = [
  { name: "Bearer", header: (token) => ["Authorization", `Bearer ${token}`] },
  { name: "token", header: (token) => ["Authorization", `token ${token}`] },
  { name: "Basic, as the password", header: (token) => ["Authorization", basic(`git:${token}`)] },
  { name: "Basic, as the user", header: (token) => ["Authorization", basic(`${token}:`)] },
  { name: "X-Api-Key", header: (token) => ["X-Api-Key", token] },
  { name: "api-key", header: (token) => ["api-key", token] },
  { name: "x-goog-api-key", header: (token) => ["x-goog-api-key", token] },
  { name: "X-Amz-Security-Token", header: (token) => ["X-Amz-Security-Token", token] },
];

/** Every protocol of a WebSocket handshake that holds a token. */
export const PROTOCOL_CARRIERS: readonly TokenCarrier[] = [
  {
    name: "a protocol of OpenAI",
    header: (token) => ["Sec-WebSocket-Protocol", `openai-insecure-api-key.${token}`],
  },
  {
    name: "a protocol of Kubernetes",
    header: (token) => [
      "Sec-WebSocket-Protocol",
      `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`,
    ],
  },
];

/** Everything in which a text that was sent in a header can be found again. */
export function spellingsOf(token: string): readonly string[] {
  const texts = [token, `git:${token}`, `${token}:`];
  return [
    token,
    ...texts.flatMap((text) => [
      Buffer.from(text).toString("base64").replace(/=+$/, ""),
      Buffer.from(text).toString("base64url"),
    ]),
  ];
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}
