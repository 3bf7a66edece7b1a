import { backoffMs } from '../../api/socket'
import type { ChatRequest, Frame, ServerMessage } from '../../api/types'

export type ChannelState = 'idle' | 'connecting' | 'live' | 'reconnecting' | 'polling'

/** What the channel needs of HTTP: asking, and reading frames, when no socket can be had. */
export interface HttpFallback {
  ask: (request: ChatRequest) => Promise<{ conversation: string; turn: string }>
  framesAfter: (conversation: string, after: number) => Promise<{ items: Frame[]; done: boolean }>
}

export interface ChannelEvents {
  onFrame: (frame: Frame) => void
  onAccepted: (conversation: string, turn: string) => void
  onFailure: (error: unknown) => void
  onState: (state: ChannelState) => void
}

interface Watched {
  conversation: string
  turn: string
  lastSeq: number
}

const CONNECT_MS = 4_000
const ACCEPT_MS = 10_000
const PING_MS = 4 * 60_000
const POLL_MS = 800
const GAP_MS = 600
const SILENCE_MS = 4_000
const TRIES_BEFORE_POLLING = 3
const MAX_POLL_FAILURES = 5

/**
 * One conversation's stream over a WebSocket that may drop at any time.
 *
 * Frames carry sequence numbers without gaps. They are pushed by another process than the one that accepts the
 * question, so they may come early, late or out of order: the channel puts them in order, and asks again for what
 * is missing after a gap, a silence or a drop.
 * When no socket can be had it asks and polls over HTTP, so an answer never depends on the socket.
 */
export class ChatChannel {
  private socket: WebSocket | null = null
  private watched: Watched | null = null
  /** The newest frame of each conversation: a later turn of it continues its numbers. */
  private readonly seen = new Map<string, number>()
  private pending: { request: ChatRequest; timer: ReturnType<typeof setTimeout> } | null = null
  private attempt = 0
  private reconnecting: ReturnType<typeof setTimeout> | null = null
  private pinging: ReturnType<typeof setInterval> | null = null
  private polling = false
  /** Frames of a question whose acceptance has not arrived yet. */
  private early: Frame[] = []
  /** Frames that wait for an earlier one. */
  private held = new Map<number, Frame>()
  private gap: ReturnType<typeof setTimeout> | null = null
  private silence: ReturnType<typeof setTimeout> | null = null

  constructor(
    private readonly url: string,
    private readonly http: HttpFallback,
    private readonly events: ChannelEvents,
  ) {}

  /** Says up to which frame a conversation is already on screen. */
  startAfter(conversation: string, seq: number): void {
    this.seen.set(conversation, Math.max(this.seen.get(conversation) ?? 0, seq))
  }

  /** Asks over the socket, or over HTTP when there is none. */
  async ask(request: ChatRequest): Promise<void> {
    try {
      const socket = await this.connect()
      socket.send(JSON.stringify({ action: 'chat', ...request }))
      this.pending = { request, timer: setTimeout(() => void this.askOverHttp(), ACCEPT_MS) }
    } catch {
      await this.askOverHttp(request)
    }
  }

  /** Continues an answer that was running when the page was loaded or the socket dropped. */
  async resume(conversation: string, turn: string, lastSeq: number): Promise<void> {
    this.startAfter(conversation, lastSeq)
    this.watch(conversation, turn)
    try {
      const socket = await this.connect()
      this.sendResume(socket)
    } catch {
      this.reconnectLater()
    }
  }

  /** Tells the server to stop; the rest of the answer is not waited for. */
  cancel(conversation: string, turn: string): void {
    this.unwatch()
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ action: 'cancel', conversation, turn }))
    }
  }

  close(): void {
    this.unwatch()
    this.dropPending()
    if (this.reconnecting) {
      clearTimeout(this.reconnecting)
    }
    if (this.pinging) {
      clearInterval(this.pinging)
    }
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  private connect(): Promise<WebSocket> {
    if (this.socket?.readyState === WebSocket.OPEN) {
      return Promise.resolve(this.socket)
    }
    this.events.onState(this.attempt > 0 ? 'reconnecting' : 'connecting')
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.url)
      const timer = setTimeout(() => {
        reject(new Error('no socket in time'))
        socket.close()
      }, CONNECT_MS)
      socket.onopen = () => {
        clearTimeout(timer)
        this.attempt = 0
        this.socket = socket
        this.ping(socket)
        this.events.onState('live')
        resolve(socket)
      }
      socket.onmessage = (event: MessageEvent<string>) => this.receive(event.data)
      socket.onclose = () => {
        clearTimeout(timer)
        reject(new Error('the socket closed'))
        this.dropped(socket)
      }
    })
  }

  private receive(data: string): void {
    const parsed = parse(data)
    for (const message of Array.isArray(parsed) ? (parsed as Message[]) : parsed ? [parsed] : []) {
      this.receiveOne(message)
    }
  }

  private receiveOne(message: Message): void {
    if ('t' in message && message.t === 'pong') {
      return
    }
    if ('t' in message && message.t === 'accepted') {
      this.accepted(message.conversation, message.turn)
      return
    }
    if ('t' in message && 'seq' in message) {
      this.take(message)
      return
    }
    // An error without a sequence number concerns the request itself, not a turn.
    if (this.pending) {
      if ('error' in message) {
        this.dropPending()
        this.events.onFailure(message.error)
      } else {
        void this.askOverHttp()
      }
    }
  }

  private accepted(conversation: string, turn: string): void {
    this.dropPending()
    this.watch(conversation, turn)
    this.events.onAccepted(conversation, turn)
    const early = this.early
    this.early = []
    early.forEach((frame) => this.take(frame))
  }

  private watch(conversation: string, turn: string): void {
    this.unwatch()
    this.watched = { conversation, turn, lastSeq: this.seen.get(conversation) ?? 0 }
    this.listenForSilence()
  }

  private unwatch(): void {
    this.watched = null
    this.held.clear()
    clearTimeout(this.gap ?? undefined)
    clearTimeout(this.silence ?? undefined)
    this.gap = null
  }

  private take(frame: Frame): void {
    if (this.watched?.conversation !== frame.conversation) {
      if (this.pending) {
        this.early.push(frame)
      }
      return
    }
    if (frame.seq > this.watched.lastSeq) {
      this.held.set(frame.seq, frame)
      this.deliverInOrder()
    }
    this.listenForSilence()
  }

  private deliverInOrder(): void {
    for (;;) {
      const next = this.watched && this.held.get(this.watched.lastSeq + 1)
      if (!next) {
        break
      }
      this.deliver(next)
    }
    if (this.held.size === 0) {
      clearTimeout(this.gap ?? undefined)
      this.gap = null
    } else {
      this.gap ??= setTimeout(() => this.askForMissing(), GAP_MS)
    }
  }

  /** A frame is missing: asks for it once, then goes on without it rather than keep the rest from the reader. */
  private askForMissing(): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.sendResume(this.socket)
    }
    this.gap = setTimeout(() => {
      this.gap = null
      for (const seq of [...this.held.keys()].sort((a, b) => a - b)) {
        const frame = this.held.get(seq)
        if (frame) {
          this.deliver(frame)
        }
      }
    }, GAP_MS)
  }

  private deliver(frame: Frame): void {
    if (!this.watched) {
      return
    }
    this.held.delete(frame.seq)
    this.watched.lastSeq = frame.seq
    this.seen.set(frame.conversation, frame.seq)
    this.events.onFrame(frame)
    if (this.watched.turn === frame.turn && (frame.t === 'end' || frame.t === 'error')) {
      this.finished()
    }
  }

  /** A push may be lost without the socket noticing: after a silence it asks what has happened since. */
  private listenForSilence(): void {
    clearTimeout(this.silence ?? undefined)
    if (!this.watched) {
      return
    }
    this.silence = setTimeout(() => {
      if (this.socket?.readyState === WebSocket.OPEN) {
        this.sendResume(this.socket)
      }
      this.listenForSilence()
    }, SILENCE_MS)
  }

  private finished(): void {
    this.unwatch()
    this.polling = false
    this.events.onState(this.socket?.readyState === WebSocket.OPEN ? 'live' : 'idle')
  }

  private dropped(socket: WebSocket): void {
    if (this.socket !== socket) {
      return
    }
    this.socket = null
    if (this.pinging) {
      clearInterval(this.pinging)
    }
    if (this.pending) {
      void this.askOverHttp()
    } else if (this.watched) {
      this.reconnectLater()
    } else {
      this.events.onState('idle')
    }
  }

  private reconnectLater(): void {
    if (!this.watched || this.reconnecting) {
      return
    }
    if (this.attempt >= TRIES_BEFORE_POLLING) {
      this.attempt = 0
      void this.poll()
      return
    }
    this.events.onState('reconnecting')
    const delay = backoffMs(this.attempt, Math.random())
    this.attempt += 1
    this.reconnecting = setTimeout(() => {
      this.reconnecting = null
      this.connect().then(
        (socket) => this.sendResume(socket),
        () => this.reconnectLater(),
      )
    }, delay)
  }

  private sendResume(socket: WebSocket): void {
    if (this.watched) {
      const { conversation, lastSeq } = this.watched
      socket.send(JSON.stringify({ action: 'resume', conversation, after: lastSeq }))
    }
  }

  private async askOverHttp(given?: ChatRequest): Promise<void> {
    const request = given ?? this.pending?.request
    this.dropPending()
    if (!request) {
      return
    }
    try {
      const { conversation, turn } = await this.http.ask(request)
      this.accepted(conversation, turn)
      await this.poll()
    } catch (error) {
      this.events.onFailure(error)
    }
  }

  private async poll(): Promise<void> {
    if (this.polling) {
      return
    }
    this.polling = true
    this.events.onState('polling')
    let failures = 0
    while (this.polling && this.watched) {
      try {
        const { conversation, lastSeq } = this.watched
        const { items } = await this.http.framesAfter(conversation, lastSeq)
        failures = 0
        items.forEach((frame) => this.take(frame))
      } catch (error) {
        failures += 1
        if (failures >= MAX_POLL_FAILURES) {
          this.polling = false
          this.unwatch()
          this.events.onFailure(error)
          return
        }
      }
      if (this.watched) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    }
    this.polling = false
  }

  private dropPending(): void {
    if (this.pending) {
      clearTimeout(this.pending.timer)
      this.pending = null
    }
  }

  private ping(socket: WebSocket): void {
    if (this.pinging) {
      clearInterval(this.pinging)
    }
    this.pinging = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) {
        socket.send(JSON.stringify({ action: 'ping' }))
      }
    }, PING_MS)
  }
}

/** What the server sends: frames come in arrays, everything else alone. */
type Message = ServerMessage | { error: unknown } | { message: string }

function parse(data: string): Message | Message[] | null {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null ? (value as Message | Message[]) : null
  } catch {
    return null
  }
}
