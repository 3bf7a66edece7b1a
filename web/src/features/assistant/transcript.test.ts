import { expect, test } from 'vitest'
import type { Frame } from '../../api/types'
import { accepted, asked, EMPTY, failed, fold, stopped, type Transcript } from './transcript'

const head = (seq: number) => ({ seq, conversation: 'c1', turn: 't1' })
const running = () => accepted(asked(EMPTY, 'what is wrong?'), 'c1', 't1')
const last = (transcript: Transcript) => transcript.turns.at(-1)!

const ANSWER: Frame[] = [
  { ...head(1), t: 'status', text: 'Reading the cluster' },
  { ...head(2), t: 'tool', name: 'analyze_resource_health', ms: 12.5, summary: '29 problems' },
  { ...head(3), t: 'delta', text: 'The cart ' },
  { ...head(4), t: 'delta', text: 'is down.' },
  { ...head(5), t: 'block', block: { type: 'suggestions', items: ['why?'] } },
  { ...head(6), t: 'end', citations: ['ev_a'], degraded: false, suggestions: ['why?'] },
]

test('an answer folds into text, blocks and steps, in order', () => {
  const turn = last(ANSWER.reduce(fold, running()))
  expect(turn.state).toBe('done')
  expect(turn.tools).toHaveLength(1)
  expect(turn.blocks.map((block) => block.type)).toEqual(['text', 'suggestions'])
  expect(turn.blocks[0]).toEqual({ type: 'text', text: 'The cart is down.' })
  expect(turn.citations).toEqual(['ev_a'])
})

test('frames that a resume repeats change nothing', () => {
  const once = ANSWER.reduce(fold, running())
  expect(ANSWER.reduce(fold, once)).toEqual(once)
})

test('a text block after deltas is their final form', () => {
  const frames: Frame[] = [
    { ...head(1), t: 'delta', text: 'The cart' },
    { ...head(2), t: 'block', block: { type: 'text', text: 'The cart is down.' } },
  ]
  expect(last(frames.reduce(fold, running())).blocks).toEqual([{ type: 'text', text: 'The cart is down.' }])
})

test('a question is shown before the server has taken it', () => {
  expect(last(asked(EMPTY, 'hello'))).toMatchObject({ message: 'hello', state: 'waiting', id: '' })
})

test('a failed question keeps its text and says why', () => {
  const error = { code: 'unreachable', message: 'No answer.', remedy: 'Retry.' }
  expect(last(failed(asked(EMPTY, 'hello'), error))).toMatchObject({
    message: 'hello',
    state: 'failed',
    error,
  })
})

test('what was written before a stop stays, and the late end of the answer does not undo the stop', () => {
  const partly = ANSWER.slice(0, 3).reduce(fold, running())
  const turn = last(fold(stopped(partly), ANSWER[5]!))
  expect(turn.state).toBe('stopped')
  expect(turn.blocks).toEqual([{ type: 'text', text: 'The cart ' }])
})

test('sequence numbers start again in another conversation', () => {
  const done = ANSWER.reduce(fold, running())
  expect(accepted(asked(done, 'next'), 'c2', 't2').lastSeq).toBe(0)
  expect(accepted(asked(done, 'next'), 'c1', 't2').lastSeq).toBe(6)
})

test('a frame of a kind that this page does not know is passed over', () => {
  const frame = { ...head(1), t: 'hologram' } as unknown as Frame
  expect(last(fold(running(), frame)).state).toBe('running')
})
