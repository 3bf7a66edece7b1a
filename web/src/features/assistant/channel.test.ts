import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Frame } from '../../api/types'
import { backoffMs } from '../../api/socket'
import { SocketStand } from '../../api/socketStand'
import { ChatChannel, type ChannelEvents, type HttpFallback } from './channel'

const QUESTION = { message: 'what is wrong?', cluster: 'c' }
const frame = (seq: number, t: 'status' | 'end'): Frame => {
  const head = { seq, conversation: 'c1', turn: 't1' }
  return t === 'end'
    ? { ...head, t, citations: [], degraded: false, suggestions: [] }
    : { ...head, t, text: 'reading' }
}

let frames: Frame[]
let failures: unknown[]
let states: string[]
let http: { [K in keyof HttpFallback]: ReturnType<typeof vi.fn<HttpFallback[K]>> }

function aChannel(): ChatChannel {
  const events: ChannelEvents = {
    onFrame: (next) => frames.push(next),
    onAccepted: () => {},
    onFailure: (error) => failures.push(error),
    onState: (state) => states.push(state),
  }
  return new ChatChannel('ws://127.0.0.1/ws', http, events)
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const newest = () => SocketStand.made.at(-1)!

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', SocketStand)
  SocketStand.made = []
  SocketStand.refuse = false
  frames = []
  failures = []
  states = []
  http = {
    ask: vi.fn<HttpFallback['ask']>(() => Promise.resolve({ conversation: 'c1', turn: 't1' })),
    framesAfter: vi.fn<HttpFallback['framesAfter']>(() =>
      Promise.resolve({ items: [frame(1, 'status'), frame(2, 'end')], done: true }),
    ),
  }
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('a question goes over the socket and its frames come back', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  expect(newest().sent[0]).toMatchObject({ action: 'chat', message: 'what is wrong?' })
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().say(frame(1, 'status'))
  newest().say(frame(2, 'end'))
  expect(frames.map((next) => next.seq)).toEqual([1, 2])
  expect(http.ask).not.toHaveBeenCalled()
})

test('after a drop it resumes behind the last frame it has seen', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().say(frame(1, 'status'))
  newest().drop()
  await settle(1_000)
  expect(SocketStand.made).toHaveLength(2)
  expect(newest().sent[0]).toEqual({ action: 'resume', conversation: 'c1', after: 1 })
})

test('a drop before the question was taken asks again over HTTP', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().drop()
  await settle()
  expect(http.ask).toHaveBeenCalledOnce()
  expect(frames.at(-1)?.t).toBe('end')
})

test('without any socket the answer comes by polling', async () => {
  SocketStand.refuse = true
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  expect(http.ask).toHaveBeenCalledOnce()
  expect(states).toContain('polling')
  expect(frames.map((next) => next.seq)).toEqual([1, 2])
})

test('a running answer whose socket never returns is polled for', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  SocketStand.refuse = true
  newest().drop()
  await settle(60_000)
  expect(http.framesAfter).toHaveBeenCalledWith('c1', 0)
  expect(frames.at(-1)?.t).toBe('end')
})

test('a refused question is reported with the error of the server', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'error', error: { code: 'invalid', message: 'No.', remedy: 'Ask another.' } })
  expect(failures).toEqual([{ code: 'invalid', message: 'No.', remedy: 'Ask another.' }])
  expect(http.ask).not.toHaveBeenCalled()
})

test('frames that come before the acceptance are not lost', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say(frame(1, 'status'))
  expect(frames).toEqual([])
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().say(frame(2, 'end'))
  expect(frames.map((next) => next.seq)).toEqual([1, 2])
})

test('frames out of order are put in order', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().say(frame(3, 'end'))
  newest().say(frame(1, 'status'))
  newest().say(frame(2, 'status'))
  expect(frames.map((next) => next.seq)).toEqual([1, 2, 3])
})

test('a missing frame is asked for, and does not hold up the rest for ever', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().say(frame(1, 'status'))
  newest().say(frame(3, 'end'))
  await settle(700)
  expect(newest().sent.at(-1)).toEqual({ action: 'resume', conversation: 'c1', after: 1 })
  await settle(700)
  expect(frames.map((next) => next.seq)).toEqual([1, 3])
})

test('after a silence it asks what it has missed', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  await settle(4_100)
  expect(newest().sent.at(-1)).toEqual({ action: 'resume', conversation: 'c1', after: 0 })
})

test('nothing is waited for after an answer has ended', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().say(frame(1, 'end'))
  newest().drop()
  await settle(60_000)
  expect(SocketStand.made).toHaveLength(1)
  expect(http.framesAfter).not.toHaveBeenCalled()
})

test('a second question does not take the end of the first answer for its own', async () => {
  const channel = aChannel()
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't0' })
  newest().say({ ...frame(1, 'end'), turn: 't0' })
  void channel.ask(QUESTION)
  await settle()
  newest().say({ t: 'accepted', conversation: 'c1', turn: 't1' })
  newest().drop()
  await settle(1_000)
  expect(newest().sent[0]).toEqual({ action: 'resume', conversation: 'c1', after: 1 })
  newest().say({ ...frame(1, 'end'), turn: 't0' })
  newest().drop()
  await settle(1_000)
  expect(SocketStand.made).toHaveLength(3)
})

test('reconnects wait longer each time, up to a limit, and never at the same moment', () => {
  expect(backoffMs(0, 0)).toBe(200)
  expect(backoffMs(0, 1)).toBe(400)
  expect(backoffMs(3, 1)).toBe(3_200)
  expect(backoffMs(20, 1)).toBe(15_000)
})
