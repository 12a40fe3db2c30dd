/*
 * Computed with the public implementation of CAP1-HMAC-SHA512, https://github.com/capabilityio/cap1-hmac-sha512.
 * X-Cap-Date is among the headers, since that implementation reads the time from it.
 */

/** A request, its signed headers, and the Authorization that each key of {@link CAP1_KEYS} gives it. */
export interface Cap1Vector {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly signedHeaders: string;
  readonly authorizations: readonly string[];
}

export const CAP1_KEYS: readonly { readonly keyId: string; readonly key: string }[] = [
  { keyId: "someId", key: "mySecret" },
  { keyId: "k-2", key: "q83vEjRWeJCrze8SNFZ4kA" },
];

export const CAP1_VECTORS: readonly Cap1Vector[] = [
  {
    name: "get-plain",
    method: "GET",
    path: "/",
    query: "",
    headers: [
      ["host", "localhost:8888"],
      ["x-cap-date", "20170702T204657Z"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20170702/localhost:8888/cap1_request,SignedHeaders=host;x-cap-date,Signature=T9lR8qvql1cRFPBVJdsoKvgiugh-9vfwnGYw_FDD9WIDyDeTP4GoU4H7BjxmobCdjrOuEtOIKkwcsI0I51mNyQ",
      "CAP1-HMAC-SHA512 Credential=k-2/20170702/localhost:8888/cap1_request,SignedHeaders=host;x-cap-date,Signature=AhHo-8oC5HtrNYMsksY5pC3xOIHO8VyOtM8dbQ-4LdAjFuQh4fvMQ-r4o82wSWCwtp26-oyCmJ4zJkFVOYcOwQ",
    ],
  },
  {
    name: "get-path-and-query",
    method: "GET",
    path: "/somewhere",
    query: "page=12",
    headers: [
      ["host", "localhost:8888"],
      ["x-cap-date", "20170702T204657Z"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20170702/localhost:8888/cap1_request,SignedHeaders=host;x-cap-date,Signature=zfJvsTapbKxdvWMCbRFbkqO99b6dtgS81ym4O7k9I3R_m31mmUy9qcv_0qnrVKVbGhVkADX5xTLEedi_pzfEZw",
      "CAP1-HMAC-SHA512 Credential=k-2/20170702/localhost:8888/cap1_request,SignedHeaders=host;x-cap-date,Signature=UOphkw6uKl1ckKPktClneK3NF5YQCBLfg77vr0iiUw4CwLAve4s7nQdJsAovbnDc_mVBoRYYCvUlvvuruighxg",
    ],
  },
  {
    name: "query-sorted-and-encoded",
    method: "GET",
    path: "/a%20b/c",
    query: "z=1&a=%2F%3F&a=0&space=a%20b",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T000000Z"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=ug_ngLzHcz2-_ASyCSdPlCRztFLeyeCh4TGXDJmPSUHx6foRT1g7G1Y-EBHyVHuxXRKqgpmTP5SUh5QJ7ezikw",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=5eSoOz6GAo1RdHWBQfr8nddyXVg4MDQsdSk12wu4uqGLshFVTMKyiWXq3ZjhNxqqQjzrbA-ezH9pKmn7P_4Y6A",
    ],
  },
  {
    name: "post-with-content-headers",
    method: "post",
    path: "/v1/things",
    query: "",
    headers: [
      ["Host", "API.Example.com"],
      ["Content-Type", "application/json"],
      ["content-length", "17"],
      ["X-Cap-Date", "20261122T010203Z"],
      ["TenantID", "tenant17"],
    ],
    signedHeaders: "content-length;content-type;host;tenantid;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/api.example.com/cap1_request,SignedHeaders=content-length;content-type;host;tenantid;x-cap-date,Signature=5Z9GuheeAH7FFyomBy1JXzXs9CPVYWaDZAuGdgl8qzkj9z1AyvJHNbettMILhDbfzkYGtXE7cnM0gHlTWl5y6Q",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/api.example.com/cap1_request,SignedHeaders=content-length;content-type;host;tenantid;x-cap-date,Signature=0wa276wAKfzvnUKKJXcfpHeAAdwRdtc0trZyfCecHy2tZSw-OTXGiQA30ZzMcWHLMSRmigJEkkJLBmoZGH41Tg",
    ],
  },
  {
    name: "hop-by-hop-not-signed",
    method: "PUT",
    path: "/x",
    query: "",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T010203Z"],
      ["connection", "close"],
      ["transfer-encoding", "chunked"],
      ["keep-alive", "timeout=5"],
      ["te", "trailers"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=qn1wycwSeZ82NYNk7qoKqKEG74HdFNd7-tYDkTYd6MMB-Qm25F6mUxQnTw52ZkIsVdEFXwNs3lUWdnVWE5zQ0g",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=xmJnpfM9SeeEbf_U4kwDjIuv4DIbJjhiM2JeB8LpHQ9TPIRQTIp4MOaYWeSRN6GE_4LUcfldiAeYZa0Li6Z8lQ",
    ],
  },
  {
    name: "header-whitespace-collapsed",
    method: "GET",
    path: "/x",
    query: "",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T010203Z"],
      ["x-note", "  a   b    c  "],
    ],
    signedHeaders: "host;x-cap-date;x-note",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date;x-note,Signature=WJrW9II3I3lydPSHR2ptYndCoSZ_UFxQ3c1WxL0qgtAQN2uTkmPFyt58MQrA4SPl8jwbqIW3eFsZQ69MqkcP-w",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date;x-note,Signature=IlIe-a79jpuO_uZ7EW2-1Jx_xnVRLJZxdn3s_xQKj2t567evWqI4pjOeRMveT458Mt_uIFQWLZAUH_UFBBPioA",
    ],
  },
  {
    name: "header-quoted-value-kept",
    method: "GET",
    path: "/x",
    query: "",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T010203Z"],
      ["x-note", 'a   b "c   d"  e'],
    ],
    signedHeaders: "host;x-cap-date;x-note",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date;x-note,Signature=PWg9oEmkq1rCqId46s4gKfJz5H5A7eTSWobwvZEKVIm7gGyU1q2pC75UQLTM-ySeIMeYQE5IjcRsRcpH_FsuGA",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date;x-note,Signature=UNlzJRdPNWgmxHkQafSlnJa8_b7yElw9ohneiIjTu4uE5Ag_c2L3aSHJmfAAHESGsj7DMhRzrODLyRKH5lw_wQ",
    ],
  },
  {
    name: "path-normalised",
    method: "GET",
    path: "/a/./b/../c//d",
    query: "",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T010203Z"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=_8VHou2CZSTNLBzhZ0LnP5SQuZRCdZEjtUZpHD5q0AH9X2Ryk8mSRe0dGWNPDbs7BIHg7J4cInjfHOG2-2QFlQ",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=9ZUch0PWOnk2__kz5aWEV1Ow_kO3Q6liN-hQzuXfM_ZJ9Wybt2dJr_Fgpa6nAdSlQMlu8QlmDk8CI2LLLvi_SA",
    ],
  },
  {
    name: "utf8-path-and-query",
    method: "GET",
    path: "/caf%C3%A9",
    query: "q=%E2%9C%93",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T010203Z"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=VIvQObqBHcrEEcZftZgKNGF15llrbtEfNJ79_cd5Aozjh5djZLDv0pghboayslnaYw46dTSmpWzEcpZyStHaRw",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=3OPbqzIsyyavXXEdyhiZKD9LTrQGW5jFAEQoORkjcWNInnsbdadvnM8CteeqRrw2tR-sXawA4gXh8aoKbK3rxQ",
    ],
  },
  {
    name: "delete-method",
    method: "DELETE",
    path: "/x/y/z",
    query: "b=2&a=1",
    headers: [
      ["host", "example.com"],
      ["x-cap-date", "20261122T010203Z"],
    ],
    signedHeaders: "host;x-cap-date",
    authorizations: [
      "CAP1-HMAC-SHA512 Credential=someId/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=ghvvX_gpqRHeElm_OTdvogDHTwdS8dee_pN35pm0aDvmR639QhsoNdXbDPWQy9hPDQiCXj5e6Us1B91V4oMr4Q",
      "CAP1-HMAC-SHA512 Credential=k-2/20261122/example.com/cap1_request,SignedHeaders=host;x-cap-date,Signature=Tda6jkOsAV0L374Mhe-7px1ji9QIALku7cveVMpPaGdIloISZw9xE8qMrbngz9sl-S7xGJfwpaCfYvdDCsfcCg",
    ],
  },
];
