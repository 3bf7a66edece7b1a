import { useEffect, useState } from 'react'
import { IconButton } from './Button'
import styles from './CopyCommand.module.css'

const SHOWN_MS = 1_600

/** A command to copy. Kubilitics shows it; it does not run it. */
export function CopyCommand({ command, label = 'Copy the command' }: { command: string; label?: string }) {
  return (
    <div className={styles.box}>
      <pre className={styles.command} tabIndex={0} aria-label="Command">
        {command}
      </pre>
      <CopyButton text={command} label={label} />
    </div>
  )
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) {
      return
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => setCopied(true))
  }
  return (
    <>
      <IconButton icon={copied ? 'check' : 'copy'} label={label} onClick={copy} />
      <span role="status" className="visually-hidden">
        {copied ? 'Copied' : ''}
      </span>
    </>
  )
}
