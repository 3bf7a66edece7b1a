import type { Block, ErrorBody, Frame } from '../../api/types'

export type TurnState = 'waiting' | 'running' | 'done' | 'failed' | 'stopped'

export interface ToolStep {
  seq: number
  name: string
  ms: number
  summary: string
}

/** One question and its answer so far. */
export interface TurnView {
  /** The server's id; empty until the question was accepted. */
  id: string
  message: string
  state: TurnState
  /** What the server says it is doing. */
  activity: string
  tools: ToolStep[]
  blocks: Block[]
  /** Text that is still being written; becomes a block when the answer is complete. */
  draft: string
  citations: string[]
  suggestions: string[]
  degraded: boolean
  error: Omit<ErrorBody, 'details'> | null
}

export interface Transcript {
  conversation: string | null
  turns: TurnView[]
  /** The last sequence number seen; frames up to it are repeats. */
  lastSeq: number
}

export const EMPTY: Transcript = { conversation: null, turns: [], lastSeq: 0 }

export function newTurn(message: string, id = '', state: TurnState = 'waiting'): TurnView {
  return {
    id,
    message,
    state,
    activity: '',
    tools: [],
    blocks: [],
    draft: '',
    citations: [],
    suggestions: [],
    degraded: false,
    error: null,
  }
}

/** The reader asked: shown at once, before the server has answered. */
export function asked(transcript: Transcript, message: string): Transcript {
  return { ...transcript, turns: [...transcript.turns, newTurn(message)] }
}

/** The server took the question: the waiting turn gets its id. */
export function accepted(transcript: Transcript, conversation: string, turn: string): Transcript {
  const waiting = transcript.turns.findLastIndex(
    (candidate) => candidate.state === 'waiting' && !candidate.id,
  )
  const turns = transcript.turns.map((candidate, index) =>
    index === waiting ? { ...candidate, id: turn, state: 'running' as const } : candidate,
  )
  const moved = transcript.conversation !== null && transcript.conversation !== conversation
  return { conversation, turns, lastSeq: moved ? 0 : transcript.lastSeq }
}

/** The question could not be asked, or its answer could not be fetched. */
export function failed(transcript: Transcript, error: Omit<ErrorBody, 'details'>): Transcript {
  return changeTurn(transcript, lastOpen(transcript), (turn) => ({ ...turn, state: 'failed', error }))
}

export function stopped(transcript: Transcript): Transcript {
  return changeTurn(transcript, lastOpen(transcript), (turn) => settle({ ...turn, state: 'stopped' }))
}

/** Folds a frame in. Repeats, which a resume may send, change nothing. */
export function fold(transcript: Transcript, frame: Frame): Transcript {
  if (frame.seq <= transcript.lastSeq) {
    return transcript
  }
  const at = transcript.turns.findIndex((turn) => turn.id === frame.turn)
  const known = { ...transcript, lastSeq: frame.seq }
  return at === -1 ? known : changeTurn(known, at, (turn) => foldTurn(turn, frame))
}

function foldTurn(turn: TurnView, frame: Frame): TurnView {
  switch (frame.t) {
    case 'status':
      return { ...turn, activity: frame.text }
    case 'tool':
      return {
        ...turn,
        tools: [...turn.tools, { seq: frame.seq, name: frame.name, ms: frame.ms, summary: frame.summary }],
      }
    case 'delta':
      return { ...turn, draft: turn.draft + frame.text }
    case 'block':
      // A text block after deltas is their final form, not a second text.
      return frame.block.type === 'text' && turn.draft
        ? { ...turn, blocks: [...turn.blocks, frame.block], draft: '' }
        : { ...settleDraft(turn), blocks: [...settleDraft(turn).blocks, frame.block] }
    case 'end':
      return settle({
        ...turn,
        state: turn.state === 'stopped' ? 'stopped' : 'done',
        citations: frame.citations,
        degraded: frame.degraded,
        suggestions: frame.suggestions,
      })
    case 'error':
      return settle({ ...turn, state: 'failed', error: frame.error })
    default:
      // A newer server may send frames that this page does not know; the rest of the answer is still good.
      return turn
  }
}

function settle(turn: TurnView): TurnView {
  return { ...settleDraft(turn), activity: '' }
}

function settleDraft(turn: TurnView): TurnView {
  return turn.draft
    ? { ...turn, blocks: [...turn.blocks, { type: 'text', text: turn.draft }], draft: '' }
    : turn
}

/** Whether an answer is on its way. */
export function isOpen(turn: TurnView): boolean {
  return turn.state === 'waiting' || turn.state === 'running'
}

export function lastOpen(transcript: Transcript): number {
  return transcript.turns.findLastIndex(isOpen)
}

function changeTurn(transcript: Transcript, at: number, change: (turn: TurnView) => TurnView): Transcript {
  if (at === -1) {
    return transcript
  }
  return { ...transcript, turns: transcript.turns.map((turn, index) => (index === at ? change(turn) : turn)) }
}
