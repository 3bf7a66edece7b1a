import { useEffect, useRef, useState, type KeyboardEvent, type Ref } from 'react'
import type { Rows } from '../../api/types'
import { count } from '../../kinds/format'
import { IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { chipWords, withoutChip, withoutWord } from './filterText'
import styles from './FilterBox.module.css'

const TYPING_MS = 300

interface FilterBoxProps {
  q: string
  parsed: Rows['query']
  total: number | null
  placeholder: string
  onChange: (q: string) => void
  ref: Ref<HTMLInputElement>
}

/** A filter in plain words; what was understood comes back as chips, and what was not is said. */
export function FilterBox({ q, parsed, total, placeholder, onChange, ref }: FilterBoxProps) {
  const [text, setText] = useDraft(q, onChange)
  const chips = (q && parsed?.chips) || []
  const unparsed = (q && parsed?.unparsed) || []
  const notes = (q && parsed?.notes) || []
  const apply = (next: string) => {
    setText(next)
    onChange(next)
  }
  const keys = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter') {
      onChange(text.trim())
    }
    if (event.key === 'Escape') {
      event.preventDefault()
      event.currentTarget.blur()
    }
  }
  return (
    <div className={styles.filter}>
      <div className={styles.box}>
        <Icon name="search" size={15} />
        <input
          ref={ref}
          className={styles.input}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={keys}
          placeholder={placeholder}
          aria-label="Filter"
          spellCheck={false}
          autoComplete="off"
        />
        {text ? <IconButton icon="close" label="Clear the filter" onClick={() => apply('')} /> : <kbd>/</kbd>}
      </div>
      {(chips.length > 0 || unparsed.length > 0) && (
        <ul className={styles.chips} aria-label="Understood as">
          {chips.map((chip) => (
            <li
              key={`${chip.field}${chip.op}${String(chip.value)}`}
              className={styles.chip}
              title={chip.note || undefined}
            >
              {chipWords(chip)}
              <IconButton
                className={styles.remove}
                icon="close"
                label={`Remove ${chipWords(chip)}`}
                onClick={() => apply(withoutChip(q, chip, chips, unparsed))}
              />
            </li>
          ))}
          {unparsed.map((word) => (
            <li key={word} className={`${styles.chip} ${styles.unknown}`}>
              not understood: {word}
              <IconButton
                className={styles.remove}
                icon="close"
                label={`Remove ${word}`}
                onClick={() => apply(withoutWord(q, word))}
              />
            </li>
          ))}
          {notes.map((note) => (
            <li key={note} className={styles.total}>
              {note}
            </li>
          ))}
          {total !== null && (
            <li className={styles.total}>
              <span role="status">
                {count(total)} {total === 1 ? 'match' : 'matches'}
              </span>
            </li>
          )}
        </ul>
      )}
    </div>
  )
}

/** The text while it is typed; the address follows when the typing pauses, and a changed address wins. */
function useDraft(q: string, onChange: (q: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(q)
  const [seen, setSeen] = useState(q)
  if (seen !== q) {
    setSeen(q)
    if (text.trim() !== q) {
      setText(q)
    }
  }
  const send = useRef(onChange)
  useEffect(() => {
    send.current = onChange
  })
  useEffect(() => {
    if (text.trim() === q) {
      return
    }
    const timer = setTimeout(() => send.current(text.trim()), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text, q])
  return [text, setText]
}
