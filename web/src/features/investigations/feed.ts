import { asApiError } from '../../api/errors'
import { backoffMs } from '../../api/socket'
import type { InvestigationStep, InvestigationSteps, StepFrame } from '../../api/types'

export type FeedState = 'live' | 'polling'

export interface FeedEvents {
  /** Steps in order and without gaps. */
  onSteps: (steps: InvestigationStep[]) => void
  onEnd: () => void
  onState: (state: FeedState) => void
  onFailure: (error: unknown) => void
}

const SILENCE_MS = 4_000
const POLL_MS = 1_000
const MAX_FAILURES = 5

/**
 * The steps of a running investigation, as they are done.
 *
 * The journal is the truth: the socket only says sooner what the journal holds. So whatever is missing, because the
 * socket is silent, dropped or never came up, is read from the journal over HTTP, and only the journal ends the feed.
 */
export class StepFeed {
  private socket: WebSocket | null = null
  private held = new Map<number, InvestigationStep>()
  private closed = false
  private attempt = 0
  private failures = 0
  private reading = false
  private reconnecting: ReturnType<typeof setTimeout> | undefined
  private silence: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly url: string,
    private readonly investigation: string,
    private last: number,
    private readonly stepsAfter: (investigation: string, after: number) => Promise<InvestigationSteps>,
    private readonly events: FeedEvents,
  ) {}

  start(): void {
    this.connect()
    this.listenForSilence()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.reconnecting)
    clearTimeout(this.silence)
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  private connect(): void {
    const socket = new WebSocket(this.url)
    this.socket = socket
    socket.onopen = () => {
      this.attempt = 0
      this.events.onState('live')
      socket.send(JSON.stringify({ action: 'follow', investigation: this.investigation, after: this.last }))
      this.listenForSilence()
    }
    socket.onmessage = (event: MessageEvent<string>) => this.receive(event.data)
    socket.onclose = () => {
      if (this.socket === socket) {
        this.socket = null
        this.reconnectLater()
      }
    }
  }

  private reconnectLater(): void {
    this.events.onState('polling')
    if (this.attempt === 0) {
      // Once: an attempt to connect that fails must not put off the reading of the journal.
      this.listenForSilence()
    }
    this.reconnecting = setTimeout(() => this.connect(), backoffMs(this.attempt, Math.random()))
    this.attempt += 1
  }

  private receive(data: string): void {
    const frames = framesOf(data).filter((frame) => frame.investigation === this.investigation)
    frames.forEach((frame) => this.hold(frame.step))
    this.deliver()
    if (frames.some((frame) => frame.ends)) {
      void this.readJournal()
    } else {
      this.listenForSilence()
    }
  }

  private hold(step: InvestigationStep): void {
    if (step.n > this.last) {
      this.held.set(step.n, step)
    }
  }

  private deliver(): void {
    const ready: InvestigationStep[] = []
    for (let step = this.held.get(this.last + 1); step; step = this.held.get(this.last + 1)) {
      this.held.delete(step.n)
      this.last = step.n
      ready.push(step)
    }
    if (ready.length > 0) {
      this.events.onSteps(ready)
    }
  }

  private listenForSilence(): void {
    clearTimeout(this.silence)
    if (!this.closed) {
      this.silence = setTimeout(() => void this.readJournal(), this.isLive() ? SILENCE_MS : POLL_MS)
    }
  }

  private isLive(): boolean {
    return this.socket?.readyState === WebSocket.OPEN
  }

  private async readJournal(): Promise<void> {
    if (this.reading) {
      return
    }
    this.reading = true
    try {
      const { items, done } = await this.stepsAfter(this.investigation, this.last)
      this.failures = 0
      if (this.closed) {
        return
      }
      items.forEach((step) => this.hold(step))
      this.deliver()
      if (done) {
        this.close()
        this.events.onEnd()
      }
    } catch (error) {
      this.failed(error)
    } finally {
      this.reading = false
      this.listenForSilence()
    }
  }

  /** One lost answer is no failure; an investigation that is gone is one at once. */
  private failed(error: unknown): void {
    this.failures += 1
    const gone = asApiError(error).status === 404
    if (!this.closed && (gone || this.failures >= MAX_FAILURES)) {
      this.close()
      this.events.onFailure(error)
    }
  }
}

function framesOf(data: string): StepFrame[] {
  try {
    const value: unknown = JSON.parse(data)
    return Array.isArray(value) ? (value as StepFrame[]).filter((frame) => frame?.t === 'step') : []
  } catch {
    return []
  }
}
