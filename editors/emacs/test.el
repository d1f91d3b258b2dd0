;;; test.el --- The language server inside Emacs -*- lexical-binding: t -*-

;;; Commentary:

;; Opens the plan in $PLAN and looks at what the server says about it.  Exits with 1 if something is missing.

;;; Code:

;; `emacs -Q' leaves out where distributions put packages.
(require 'package)
(dolist (dir '("/usr/share/emacs/site-lisp/elpa" "/usr/local/share/emacs/site-lisp/elpa"))
  (when (file-directory-p dir) (add-to-list 'package-directory-list dir)))
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'plan-mode)

(defconst wait-seconds 60)

(defun finish (problem)
  "Say how it went and exit: PROBLEM is nil if all is well."
  (message "%s" (if problem (concat "not ok: " problem) "ok: Emacs shows diagnostics, hover, definition, completion and outline, repairs and renames"))
  (kill-emacs (if problem 1 0)))

(defun wait-for (what predicate)
  "Wait until PREDICATE gives something; WHAT is said if it never does."
  (let ((end (+ (float-time) wait-seconds)) found)
    (while (not (setq found (funcall predicate)))
      (when (> (float-time) end) (finish what))
      (accept-process-output nil 0.05))
    found))

(defun ask (method)
  "Ask the server METHOD about the place of point."
  (jsonrpc-request (eglot-current-server) method (eglot--TextDocumentPositionParams) :timeout wait-seconds))

(defun at (text)
  "Go to the first TEXT."
  (goto-char (point-min))
  (search-forward text)
  (goto-char (match-beginning 0)))

(defun labels-of (answer)
  "The labels of a completion's ANSWER."
  (mapcar (lambda (item) (plist-get item :label))
          (if (vectorp answer) answer (plist-get answer :items))))

(defun line-here ()
  "The line of point."
  (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(defun check-completion ()
  "Type a need, ask what may stand there, and take back what was typed."
  (at "task broaden")
  (end-of-line)
  (let ((begin (point)))
    (insert "\n  needs: sc")
    (eglot--signal-textDocument/didChange)
    (let ((found (labels-of (ask :textDocument/completion))))
      (unless (member "scope" found) (finish (format "completion after `needs:` offers %S" found)))
      (when (member "broaden" found) (finish "completion after `needs:` offers the task itself")))
    (delete-region begin (point))
    (eglot--signal-textDocument/didChange)))

(defun check-code-action ()
  "Apply the repair of the misspelt name."
  (at "scop\n")
  (let* ((here (eglot--pos-to-lsp-position))
         (actions (jsonrpc-request (eglot-current-server) :textDocument/codeAction
                                   (list :textDocument (eglot--TextDocumentIdentifier)
                                         :range (list :start here :end here)
                                         :context (list :diagnostics []))
                                   :timeout wait-seconds))
         (repair (seq-find (lambda (one) (and (equal (plist-get one :kind) "quickfix") (plist-get one :diagnostics)))
                           actions)))
    (unless repair (finish (format "no quick fix for `scop`: %S" actions)))
    (eglot--apply-workspace-edit (plist-get repair :edit))
    (unless (equal (line-here) "  needs: scope") (finish (concat "the repair makes: " (line-here))))))

(defun check-rename ()
  "Rename a task the way a person does."
  (at "collect \"")
  (eglot-rename "gather")
  (goto-char (point-min))
  (when (let (case-fold-search) (search-forward "collect" nil t)) (finish (concat "after renaming there is: " (line-here))))
  (goto-char (point-min))
  (unless (search-forward "needs: scope gather" nil t) (finish "a need was not renamed")))

(condition-case problem
    (progn
      (setq plan-dslc-program (getenv "DSLC")
            eglot-sync-connect wait-seconds
            eglot-connect-timeout wait-seconds
            enable-local-variables nil)
      (find-file (getenv "PLAN"))
      (unless (derived-mode-p 'plan-mode) (finish "a .plan file is not in plan-mode"))
      (apply #'eglot (eglot--guess-contact))
      (flymake-mode 1)
      (flymake-start)
      (wait-for "no diagnostic names `scop`"
                (lambda ()
                  (seq-some (lambda (one) (string-match-p "`scop`" (flymake-diagnostic-text one))) (flymake-diagnostics))))
      (at "needs:")
      (let ((hover (format "%s" (ask :textDocument/hover))))
        (unless (string-match-p "must be completed first" hover) (finish (concat "hover on `needs` says: " hover))))
      (at "collect\n")
      (unless (> (length (ask :textDocument/definition)) 0) (finish "no definition of `collect`"))
      (let ((symbols (jsonrpc-request (eglot-current-server) :textDocument/documentSymbol
                                      (list :textDocument (eglot--TextDocumentIdentifier)) :timeout wait-seconds)))
        (unless (> (length symbols) 0) (finish "the outline is empty")))
      (check-completion)
      (check-code-action)
      (check-rename)
      (eglot-shutdown (eglot-current-server))
      (finish nil))
  (error (finish (error-message-string problem))))

;;; test.el ends here
