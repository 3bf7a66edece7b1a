import { Link } from '@tanstack/react-router'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import styles from './Markdown.module.css'

/**
 * Markdown of an answer: no raw HTML, no images (their addresses could carry data out), and links only inside
 * the product. An outside link is shown as text, so that nobody follows one that a log line or a model wrote.
 */
export default function Markdown({ text }: { text: string }) {
  return (
    <div className={styles.markdown}>
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        components={COMPONENTS}
        disallowedElements={['img']}
        skipHtml
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}

const COMPONENTS: Components = {
  a: ({ href, children }) =>
    isInside(href) ? (
      <Link to={href}>{children}</Link>
    ) : (
      <span className={styles.outside} title="Outside link, not opened">
        {children}
        {href && ` (${href})`}
      </span>
    ),
  pre: ({ children }) => (
    <pre tabIndex={0} aria-label="Code">
      {children}
    </pre>
  ),
}

/** A path of this application; `//host` is another host. */
export function isInside(href: string | undefined): href is string {
  return href !== undefined && /^\/(?!\/)/.test(href) && !href.includes('\\')
}
