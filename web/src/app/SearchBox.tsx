import { useEffect, useRef, useState } from 'react'
import { useShortcut } from './shortcuts'
import styles from './SearchBox.module.css'

const TYPED_MS = 300

interface SearchBoxProps {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
  /** Whether the filter's shortcut leads here. */
  main?: boolean
  narrow?: boolean
}

/** Searches a moment after the last key, so that not every letter is a request. */
export function SearchBox({
  label,
  placeholder,
  value,
  onChange,
  main = false,
  narrow = false,
}: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState(value)
  useShortcut('filter', () => input.current?.focus(), main)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed.trim() === value) {
      return
    }
    const timer = setTimeout(() => onChange(typed.trim()), TYPED_MS)
    return () => clearTimeout(timer)
    // Only typing searches; `onChange` is new on every render.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [typed])
  return (
    <input
      ref={input}
      type="search"
      className={narrow ? `${styles.search} ${styles.narrow}` : styles.search}
      aria-label={label}
      placeholder={placeholder}
      value={typed}
      maxLength={200}
      onChange={(event) => setTyped(event.target.value)}
    />
  )
}
