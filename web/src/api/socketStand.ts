/** TEST DOUBLE of the browser's WebSocket: the test plays the server. */
export class SocketStand {
  static OPEN = 1
  static made: SocketStand[] = []
  static refuse = false
  readyState = 0
  sent: Record<string, unknown>[] = []
  onopen?: () => void
  onmessage?: (event: { data: string }) => void
  onclose?: () => void

  constructor(readonly url: string) {
    SocketStand.made.push(this)
    queueMicrotask(() => (SocketStand.refuse ? this.drop() : this.open()))
  }

  private open() {
    this.readyState = 1
    this.onopen?.()
  }

  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }

  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) })
  }

  drop() {
    this.readyState = 3
    this.onclose?.()
  }

  close() {
    this.drop()
  }
}
