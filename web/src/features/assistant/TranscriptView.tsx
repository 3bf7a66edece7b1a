import { useEffect, useRef } from 'react'
import { count } from '../../kinds/format'
import { ErrorNotice } from '../../ui/Notice'
import { ApiError } from '../../api/errors'
import { EvidenceMarks } from '../evidence/EvidenceLink'
import { BlockView } from './BlockView'
import { isOpen, type Transcript, type TurnView } from './transcript'
import styles from './TranscriptView.module.css'

const STARTERS = [
  'what is wrong?',
  'what changed in the last hour?',
  'show failing pods',
  'explain PodDisruptionBudget',
]

const TOP_GAP_PX = 12

interface TranscriptViewProps {
  transcript: Transcript
  cluster: string | undefined
  onAsk: (message: string) => void
}

export function TranscriptView({ transcript, cluster, onAsk }: TranscriptViewProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const { turns } = transcript
  useQuestionAtTop(scroller, turns.length)
  return (
    <div
      ref={scroller}
      className={styles.transcript}
      role="log"
      aria-live="polite"
      aria-busy={turns.some(isOpen)}
      aria-label="Conversation"
      tabIndex={0}
    >
      {turns.length === 0 && (
        <div className={styles.start}>
          <p className={styles.lead}>
            Ask about the cluster in plain words. Every claim comes with its evidence.
          </p>
          <ul className={styles.suggestions}>
            {STARTERS.map((text) => (
              <Suggestion key={text} text={text} onAsk={onAsk} />
            ))}
          </ul>
        </div>
      )}
      {turns.map((turn, index) => (
        <Turn
          key={turn.id || `waiting-${index}`}
          turn={turn}
          last={index === turns.length - 1}
          cluster={cluster}
          onAsk={onAsk}
        />
      ))}
    </div>
  )
}

interface TurnProps {
  turn: TurnView
  last: boolean
  cluster: string | undefined
  onAsk: (message: string) => void
}

function Turn({ turn, last, cluster, onAsk }: TurnProps) {
  const listed = turn.blocks.some((block) => block.type === 'suggestions')
  return (
    <article className={styles.turn}>
      <p className={styles.question}>{turn.message}</p>
      <ToolSteps turn={turn} />
      {turn.blocks.map((block, index) => (
        <BlockView key={index} block={block} cluster={cluster} onAsk={onAsk} />
      ))}
      {turn.draft && <BlockView block={{ type: 'text', text: turn.draft }} cluster={cluster} onAsk={onAsk} />}
      {isOpen(turn) && <p className={styles.activity}>{turn.activity || 'Working'}…</p>}
      {turn.state === 'stopped' && <p className={styles.quiet}>Stopped.</p>}
      {turn.error && <ErrorNotice error={new ApiError(0, turn.error)} onRetry={() => onAsk(turn.message)} />}
      <EvidenceMarks ids={turn.citations} of="this answer" />
      {turn.degraded && (
        <p className={styles.quiet}>Something that this answer wanted could not be read, or not afresh.</p>
      )}
      {last && !listed && turn.suggestions.length > 0 && (
        <ul className={styles.suggestions} aria-label="Follow-up questions">
          {turn.suggestions.map((text) => (
            <Suggestion key={text} text={text} onAsk={onAsk} />
          ))}
        </ul>
      )}
    </article>
  )
}

/** One line per step, with how long it took. */
function ToolSteps({ turn }: { turn: TurnView }) {
  if (turn.tools.length === 0) {
    return null
  }
  return (
    <ul className={styles.tools} aria-label="Steps">
      {turn.tools.map((tool) => (
        <li key={tool.seq}>
          <code>{tool.name}</code>
          <span className={styles.toolText} title={tool.summary}>
            {tool.summary}
          </span>
          <span>{count(Math.round(tool.ms))} ms</span>
        </li>
      ))}
    </ul>
  )
}

export function Suggestion({ text, onAsk }: { text: string; onAsk: (message: string) => void }) {
  return (
    <li>
      <button type="button" className={styles.suggestion} onClick={() => onAsk(text)}>
        {text}
      </button>
    </li>
  )
}

/** A new question goes to the top, so that its answer is read from the beginning and nothing moves while it grows. */
function useQuestionAtTop(scroller: React.RefObject<HTMLDivElement | null>, turns: number): void {
  useEffect(() => {
    const question = scroller.current?.querySelector<HTMLElement>(':scope > article:last-of-type')
    if (scroller.current && question) {
      scroller.current.scrollTop = question.offsetTop - TOP_GAP_PX
    }
  }, [scroller, turns])
}
