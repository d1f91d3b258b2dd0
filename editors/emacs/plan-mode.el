;;; plan-mode.el --- The plan language -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages

;;; Commentary:

;; A major mode for `.plan' files: comments, names with hyphens, a little highlighting, and the language server
;; `dslc lsp' for Eglot.  What the language knows comes from the server.

;;; Code:

(defgroup plan nil
  "The plan language."
  :group 'languages)

(defcustom plan-dslc-program "dslc"
  "The program that serves the language."
  :type 'string
  :group 'plan)

(defvar plan-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?- "_" table)
    (modify-syntax-entry ?_ "_" table)
    table))

(defvar plan-mode-font-lock-keywords
  `((,(concat "^[ \t]*"
              (regexp-opt '("use" "type" "capability" "agent" "policy" "plan" "profile" "test" "task" "gate" "decision"
                            "hypothesis" "rule")
                          t)
              "[ \t]+\\([A-Za-z_][A-Za-z0-9_.-]*\\)?")
     (1 font-lock-keyword-face)
     (2 font-lock-function-name-face nil t))
    ("^[ \t]*\\([A-Za-z_][A-Za-z0-9_.-]*\\):" (1 font-lock-variable-name-face))
    ("^[ \t]*\\(on\\|when\\|else\\|fail\\|remember\\|supports\\|refutes\\|mock\\|approve\\|reject\\)\\_>"
     (1 font-lock-keyword-face))))

;;;###autoload
(define-derived-mode plan-mode prog-mode "Plan"
  "Major mode for plans."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local tab-width 2)
  (setq-local indent-line-function #'indent-relative)
  (setq-local font-lock-defaults '(plan-mode-font-lock-keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.plan\\'" . plan-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               `(plan-mode . ,(lambda (&rest _) (list plan-dslc-program "lsp")))))

(provide 'plan-mode)
;;; plan-mode.el ends here
