import { useEffect, useId, useState, type KeyboardEvent, type Ref } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery } from '../../api/queries'
import { useLayout } from '../../app/layout'
import { useKinds } from '../../kinds/registry'
import { IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { jumps, type Jump, type Target } from './jumps'
import { useConversation } from './useConversation'
import styles from './AskBox.module.css'

interface AskBoxProps {
  cluster: string | undefined
  busy: boolean
  contextText: string | null
  onContext: (send: boolean) => void
  onAsk: (message: string) => void
  onClose: () => void
  ref: React.RefObject<HTMLInputElement | null>
}

/** One input for two things: names of places jump there, free text asks. */
export function AskBox({ cluster, busy, contextText, onContext, onAsk, onClose, ref }: AskBoxProps) {
  const { assistantDraft, set } = useLayout()
  const stop = useConversation((conversation) => conversation.stop)
  const clusters = useQuery(clustersQuery())
  const kinds = useKinds()
  const go = useGo()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const id = useId()
  useEffect(() => {
    if (assistantDraft) {
      setText(assistantDraft)
      set({ assistantDraft: '' })
    }
  }, [assistantDraft, set])

  const found = jumps(text, { kinds, clusters: clusters.data?.items ?? [], cluster })
  const command = text.trim().startsWith(':')
  const options: (Jump | 'ask')[] = found.length > 0 ? [...found, ...(command ? [] : ['ask' as const])] : []
  const take = (option: Jump | 'ask' | undefined) => {
    const message = text.trim()
    if (option && option !== 'ask') {
      setText('')
      go(option.target)
    } else if (message && !busy && !command) {
      setText('')
      onAsk(message)
    }
    setChosen(0)
  }
  const keys = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter') {
      event.preventDefault()
      take(options[chosen])
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      setChosen((before) => Math.max(0, Math.min(options.length - 1, before + step)))
    } else if (event.key === 'Escape') {
      event.preventDefault()
      onClose()
    }
  }
  return (
    <div className={styles.ask}>
      {options.length > 0 && (
        <ul id={`${id}-options`} role="listbox" aria-label="Go to or ask" className={styles.options}>
          {options.map((option, index) => (
            <li
              key={option === 'ask' ? 'ask' : `${option.title}/${option.hint}`}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === chosen}
              className={styles.option}
              onPointerMove={() => setChosen(index)}
              onClick={() => take(option)}
            >
              <Icon name={option === 'ask' ? 'spark' : 'chevronRight'} size={13} />
              <span className={styles.title}>{option === 'ask' ? `Ask “${text.trim()}”` : option.title}</span>
              <span className={styles.hint}>{option === 'ask' ? '' : option.hint}</span>
            </li>
          ))}
        </ul>
      )}
      <ContextChip text={contextText} onSend={onContext} />
      <div className={styles.box}>
        <input
          ref={ref as Ref<HTMLInputElement>}
          className={styles.input}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setChosen(0)
          }}
          onKeyDown={keys}
          placeholder="Ask, or type a kind, a cluster, :po payments"
          aria-label="Ask the assistant or jump to a page"
          role="combobox"
          aria-expanded={options.length > 0}
          aria-controls={options.length > 0 ? `${id}-options` : undefined}
          aria-activedescendant={options.length > 0 ? `${id}-${chosen}` : undefined}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          maxLength={4000}
        />
        {busy ? (
          <IconButton icon="stop" label="Stop the answer" onClick={stop} />
        ) : (
          <IconButton
            icon="send"
            label="Send"
            disabled={!text.trim()}
            onClick={() => take(options[chosen])}
          />
        )}
      </div>
    </div>
  )
}

function ContextChip({ text, onSend }: { text: string | null; onSend: (send: boolean) => void }) {
  return (
    <div className={styles.context}>
      {text === null ? (
        <button type="button" className={styles.add} onClick={() => onSend(true)}>
          <Icon name="eye" size={13} /> Send what is on screen
        </button>
      ) : (
        <span className={styles.chip} title="Sent with the question, and nothing else of the page">
          <Icon name="eye" size={13} />
          <span className={styles.chipText}>{text}</span>
          <IconButton
            className={styles.drop}
            icon="close"
            label="Do not send what is on screen"
            onClick={() => onSend(false)}
          />
        </span>
      )}
    </div>
  )
}

function useGo(): (target: Target) => void {
  const navigate = useNavigate()
  return (target) => {
    if (target.page === 'clusters') {
      void navigate({ to: '/clusters' })
    } else if (target.page === 'list') {
      const { cluster, kind, namespace, q } = target
      void navigate({ to: '/c/$cluster/k/$kind', params: { cluster, kind }, search: { namespace, q } })
    } else {
      const to = target.page === 'problems' ? '/c/$cluster/problems' : '/c/$cluster'
      void navigate({ to, params: { cluster: target.cluster } })
    }
  }
}
