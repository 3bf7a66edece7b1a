import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError } from '../../api/errors'
import { aStep } from '../../api/samples'
import { SocketStand } from '../../api/socketStand'
import type { InvestigationSteps } from '../../api/types'
import { StepFeed } from './feed'

type StepsAfter = (investigation: string, after: number) => Promise<InvestigationSteps>

let seen: number[]
let states: string[]
let ended: number
let failures: unknown[]
/** The journal, as the server holds it. */
let journal: { steps: number; done: boolean }
let stepsAfter: ReturnType<typeof vi.fn<StepsAfter>>
let feed: StepFeed

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const newest = () => SocketStand.made.at(-1)!
const frame = (n: number, ends = false) => ({
  seq: n,
  investigation: 'iv_a',
  t: 'step',
  step: aStep(n),
  ends,
})

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', SocketStand)
  SocketStand.made = []
  SocketStand.refuse = false
  seen = []
  states = []
  failures = []
  ended = 0
  journal = { steps: 0, done: false }
  stepsAfter = vi.fn<StepsAfter>((_, after) => {
    const items = Array.from({ length: Math.max(0, journal.steps - after) }, (_, i) => aStep(after + 1 + i))
    return Promise.resolve({
      items,
      status: journal.done ? 'concluded' : 'investigating',
      done: journal.done,
    })
  })
  feed = new StepFeed('ws://127.0.0.1/ws', 'iv_a', 1, stepsAfter, {
    onSteps: (steps) => seen.push(...steps.map((step) => step.n)),
    onEnd: () => (ended += 1),
    onState: (state) => states.push(state),
    onFailure: (error) => failures.push(error),
  })
})

afterEach(() => {
  feed.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('it asks for what is not on screen yet, and delivers what comes in order and once', async () => {
  feed.start()
  await settle()
  expect(newest().sent).toEqual([{ action: 'follow', investigation: 'iv_a', after: 1 }])
  newest().say([frame(3), frame(2)])
  newest().say([frame(3)])
  newest().say([{ ...frame(4), investigation: 'iv_other' }])
  expect(seen).toEqual([2, 3])
})

test('a step that was lost on the way is read from the journal', async () => {
  feed.start()
  await settle()
  newest().say([frame(4)])
  expect(seen).toEqual([])
  journal.steps = 4
  await settle(4_000)
  expect(seen).toEqual([2, 3, 4])
})

test('the journal ends the feed, not the frame that says so', async () => {
  feed.start()
  await settle()
  journal = { steps: 2, done: false }
  newest().say([frame(2, true)])
  await settle()
  expect(ended).toBe(0)
  journal.done = true
  await settle(4_000)
  expect(ended).toBe(1)
  await settle(60_000)
  expect(stepsAfter).toHaveBeenCalledTimes(2)
})

test('without a socket the steps come by polling, and it goes on trying', async () => {
  SocketStand.refuse = true
  feed.start()
  await settle()
  expect(states).toContain('polling')
  journal.steps = 3
  await settle(1_000)
  expect(seen).toEqual([2, 3])
  SocketStand.refuse = false
  await settle(15_000)
  expect(states.at(-1)).toBe('live')
  expect(newest().sent).toEqual([{ action: 'follow', investigation: 'iv_a', after: 3 }])
})

test('a lost answer is no failure, five in a row are, and an investigation that is gone is one at once', async () => {
  stepsAfter.mockRejectedValue(new TypeError('lost'))
  feed.start()
  await settle(4 * 4_000)
  expect(failures).toEqual([])
  await settle(4_000)
  expect(failures).toHaveLength(1)

  failures = []
  const gone = new ApiError(404, {
    code: 'unknown_investigation',
    message: 'gone',
    remedy: 'look at the list',
  })
  stepsAfter.mockRejectedValue(gone)
  const second = new StepFeed('ws://127.0.0.1/ws', 'iv_a', 0, stepsAfter, {
    onSteps: () => {},
    onEnd: () => {},
    onState: () => {},
    onFailure: (error) => failures.push(error),
  })
  second.start()
  await settle(4_000)
  expect(failures).toEqual([gone])
})

test('after it is closed nothing is asked any more', async () => {
  feed.start()
  await settle()
  feed.close()
  await settle(60_000)
  expect(stepsAfter).not.toHaveBeenCalled()
  expect(SocketStand.made).toHaveLength(1)
})
