const BACKOFF_FIRST_MS = 400
const BACKOFF_MOST_MS = 15_000

/** Delay before reconnect `attempt` (0 is the first): doubles, with jitter so that clients do not return all at once. */
export function backoffMs(attempt: number, random: number): number {
  const most = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** attempt)
  return Math.round(most / 2 + (most / 2) * random)
}

/** Where frames are pushed from: the WebSocket beside the page. */
export function socketUrl(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`
}
