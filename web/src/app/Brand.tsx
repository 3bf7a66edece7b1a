/** The product's mark. */
export function Brand({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M16 2.5 27.6 8v14.2L16 29.5 4.4 22.2V8z" fill="#1d4ed8" />
      <path
        d="M11 9v14M21.5 9 12 16l9.5 7"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="21.5" cy="16" r="2.3" fill="#3fe0b8" />
    </svg>
  )
}
