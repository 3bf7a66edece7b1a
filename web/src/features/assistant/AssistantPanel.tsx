import { useEffect, useRef, useState } from 'react'
import { MIN_WIDTH_PX, useLayout } from '../../app/layout'
import { useShortcut } from '../../app/shortcuts'
import { IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { AskBox } from './AskBox'
import { History } from './History'
import { isOpen } from './transcript'
import { TranscriptView } from './TranscriptView'
import { useConversation } from './useConversation'
import { useScreen } from './useScreen'
import styles from './AssistantPanel.module.css'

const STATE_WORDS = {
  idle: '',
  connecting: 'connecting',
  live: '',
  reconnecting: 'connection lost, reconnecting',
  polling: 'no live connection, answers come by polling',
} as const

const MAX_SHARE = 0.6
const KEY_STEP_PX = 24

/** The docked assistant. Not modal: the page beside it stays usable. */
export function AssistantPanel({ cluster }: { cluster: string | undefined }) {
  const layout = useLayout()
  const { transcript, channel, loading, loadError, ask, restore, startNew } = useConversation()
  const [history, setHistory] = useState(false)
  const [sendContext, setSendContext] = useState(true)
  const screen = useScreen()
  const input = useRef<HTMLInputElement>(null)
  const close = useCloseWithFocus(layout.assistantOpen)

  useEffect(restore, [restore])
  useEffect(() => {
    if (layout.assistantOpen) {
      input.current?.focus()
    }
  }, [layout.assistantOpen, layout.assistantDraft])
  useShortcut('close', close, layout.assistantOpen)

  const send = (message: string) => {
    setHistory(false)
    ask({ message, cluster: cluster ?? '*', context: sendContext ? screen.context : undefined })
  }
  useEffect(() => {
    if (layout.assistantQuestion) {
      layout.set({ assistantQuestion: '' })
      send(layout.assistantQuestion)
    }
    // Only a new question asks; `send` is new on every render.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [layout.assistantQuestion])

  return (
    <section className={styles.panel} aria-label="Assistant">
      <ResizeHandle />
      <header className={styles.header}>
        <Icon name="spark" />
        <h2>Assistant</h2>
        <span className={styles.state} role="status">
          {STATE_WORDS[channel]}
        </span>
        <IconButton icon="plus" label="New conversation" onClick={startNew} />
        <IconButton
          icon="history"
          label="History"
          aria-pressed={history}
          onClick={() => setHistory((before) => !before)}
        />
        <IconButton icon="close" label="Close the assistant" shortcut="Esc" onClick={close} />
      </header>
      {history ? (
        <History onOpened={() => setHistory(false)} />
      ) : (
        <>
          {loading && <SkeletonRows count={6} label="Loading the conversation" />}
          {loadError !== null && <ErrorNotice error={loadError} title="The conversation could not be read" />}
          <TranscriptView transcript={transcript} cluster={cluster} onAsk={send} />
        </>
      )}
      <AskBox
        ref={input}
        cluster={cluster}
        busy={transcript.turns.some(isOpen)}
        contextText={sendContext ? screen.text : null}
        onContext={setSendContext}
        onAsk={send}
        onClose={close}
      />
    </section>
  )
}

/** Closes and gives the focus back to where it was when the panel opened. */
function useCloseWithFocus(open: boolean): () => void {
  const set = useLayout((layout) => layout.set)
  const before = useRef<Element | null>(null)
  useEffect(() => {
    if (open) {
      before.current ??= document.activeElement
    }
  }, [open])
  return () => {
    set({ assistantOpen: false, assistantDraft: '' })
    const target = before.current
    before.current = null
    if (target instanceof HTMLElement && target.isConnected && target !== document.body) {
      target.focus()
    } else {
      document.getElementById('page')?.focus()
    }
  }
}

/** The panel's left edge: dragged, or moved with the arrow keys. */
function ResizeHandle() {
  const { assistantWidth, set } = useLayout()
  const resize = (width: number) =>
    set({
      assistantWidth: Math.round(Math.min(Math.max(width, MIN_WIDTH_PX), window.innerWidth * MAX_SHARE)),
    })
  return (
    <div
      className={styles.handle}
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the assistant"
      aria-valuenow={assistantWidth}
      aria-valuemin={MIN_WIDTH_PX}
      aria-valuemax={Math.round(window.innerWidth * MAX_SHARE)}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) {
          resize(window.innerWidth - event.clientX)
        }
      }}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') {
          resize(assistantWidth + KEY_STEP_PX)
        } else if (event.key === 'ArrowRight') {
          resize(assistantWidth - KEY_STEP_PX)
        }
      }}
    />
  )
}
