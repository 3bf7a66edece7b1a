import { create } from 'zustand'
import { askOverHttp, framesAfter } from '../../api/commands'
import { call, path } from '../../api/client'
import { asApiError } from '../../api/errors'
import { socketUrl } from '../../api/socket'
import type { ChatRequest, ConversationDetail, ErrorBody, Frame } from '../../api/types'
import { ChatChannel, type ChannelState } from './channel'
import { accepted, asked, EMPTY, failed, fold, isOpen, newTurn, stopped, type Transcript } from './transcript'

const KEY = 'kubilitics.conversation'
const FRAME_PAGE = 500

interface ConversationState {
  transcript: Transcript
  channel: ChannelState
  loading: boolean
  loadError: unknown
  ask: (request: Omit<ChatRequest, 'conversation'>) => void
  stop: () => void
  open: (conversation: string) => Promise<void>
  startNew: () => void
  /** Shows the conversation that was open before the page was loaded. */
  restore: () => void
}

/** The conversation on screen. The server keeps the transcript; the page only remembers which one was open. */
export const useConversation = create<ConversationState>((set, get) => {
  const change = (next: (transcript: Transcript) => Transcript) =>
    set(({ transcript }) => ({ transcript: next(transcript) }))
  const channel = new ChatChannel(
    socketUrl(),
    { ask: askOverHttp, framesAfter },
    {
      onFrame: batched((frames) => change((transcript) => frames.reduce(foldOwn, transcript))),
      onAccepted: (conversation, turn) => {
        rememberConversation(conversation)
        change((transcript) => accepted(transcript, conversation, turn))
      },
      onFailure: (error) => change((transcript) => failed(transcript, errorBody(error))),
      onState: (state) => set({ channel: state }),
    },
  )

  const open = async (conversation: string) => {
    set({ loading: true, loadError: null })
    try {
      const transcript = await load(conversation)
      rememberConversation(conversation)
      set({ transcript, loading: false })
      channel.startAfter(conversation, transcript.lastSeq)
      const running = transcript.turns.find(isOpen)
      if (running) {
        void channel.resume(conversation, running.id, transcript.lastSeq)
      }
    } catch (error) {
      set({ loading: false, loadError: asApiError(error).status === 404 ? null : error })
      rememberConversation(null)
    }
  }

  return {
    transcript: EMPTY,
    channel: 'idle',
    loading: false,
    loadError: null,
    ask: (request) => {
      const conversation = get().transcript.conversation ?? undefined
      change((transcript) => asked(transcript, request.message))
      void channel.ask({ ...request, conversation })
    },
    stop: () => {
      const { transcript } = get()
      const running = transcript.turns.find(isOpen)
      if (running && transcript.conversation) {
        channel.cancel(transcript.conversation, running.id)
      }
      change(stopped)
    },
    open,
    startNew: () => {
      rememberConversation(null)
      set({ transcript: EMPTY, loadError: null })
    },
    restore: () => {
      const conversation = rememberedConversation()
      if (conversation && !get().transcript.conversation && !get().loading) {
        void open(conversation)
      }
    },
  }
})

/** Frames of a conversation that is no longer on screen are not for this transcript. */
function foldOwn(transcript: Transcript, frame: Frame): Transcript {
  return frame.conversation === transcript.conversation ? fold(transcript, frame) : transcript
}

async function load(conversation: string): Promise<Transcript> {
  const detail = await call<ConversationDetail>('GET', path('conversations', conversation))
  const turns = detail.turns.map((turn) =>
    newTurn(
      turn.message,
      turn.id,
      turn.status === 'queued' ? 'running' : turn.status === 'cancelled' ? 'stopped' : turn.status,
    ),
  )
  let transcript: Transcript = { conversation, turns, lastSeq: 0 }
  for (;;) {
    const { items } = await framesAfter(conversation, transcript.lastSeq)
    transcript = items.reduce(fold, transcript)
    if (items.length < FRAME_PAGE) {
      return transcript
    }
  }
}

/** Frames that arrive within one animation frame are folded together: one render, however fast they come. */
function batched(take: (frames: Frame[]) => void): (frame: Frame) => void {
  let waiting: Frame[] = []
  return (frame) => {
    if (waiting.length === 0) {
      // A hidden page gets no animation frames; the answer must still arrive.
      const schedule = document.hidden ? (run: () => void) => setTimeout(run, 50) : requestAnimationFrame
      schedule(() => {
        const frames = waiting
        waiting = []
        take(frames)
      })
    }
    waiting.push(frame)
  }
}

function errorBody(error: unknown): Omit<ErrorBody, 'details'> {
  if (typeof error === 'object' && error !== null && 'code' in error && 'remedy' in error) {
    return error as Omit<ErrorBody, 'details'>
  }
  const { code, message, remedy } = asApiError(error)
  return { code, message, remedy }
}

function rememberConversation(id: string | null): void {
  try {
    if (id) {
      localStorage.setItem(KEY, id)
    } else {
      localStorage.removeItem(KEY)
    }
  } catch {
    // Storage may be blocked; the history list still has the conversation.
  }
}

function rememberedConversation(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
