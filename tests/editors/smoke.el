;;; smoke.el --- eglot and `dslc lsp' -*- lexical-binding: t -*-
;; A broken plan must show its diagnostic.  Run by `cargo xtask test --all' as
;; `emacs --batch --quick --load tests/editors/smoke.el', with $DSLC set.

(require 'flymake)
(unless (require 'eglot nil t)
  (message "eglot is missing: Emacs 29 or newer has it, Debian's elpa-eglot brings it")
  (kill-emacs 1))

(define-derived-mode plan-mode prog-mode "Plan")
(add-to-list 'eglot-server-programs `(plan-mode . (,(getenv "DSLC") "lsp")))
(setq eglot-sync-connect 20)

(let* ((folder (make-temp-file "smoke" t))
       (file (expand-file-name "smoke.plan" folder)))
  (with-temp-file file
    (insert "task build\n  run: \"true\"\n\ntask ship\n  needs: biuld\n  run: \"true\"\n"))
  ;; A project of its own, so that eglot has a root.
  (call-process "git" nil nil nil "init" "--quiet" folder)
  (find-file file)
  (plan-mode)
  (apply #'eglot (eglot--guess-contact))
  (let ((deadline (+ (float-time) 20)) (found nil))
    (while (and (not found) (< (float-time) deadline))
      (accept-process-output nil 0.1)
      (flymake-start)
      (setq found
            (seq-some (lambda (diagnostic) (string-match-p "biuld" (flymake-diagnostic-text diagnostic)))
                      (flymake-diagnostics))))
    (message (if found "ok" "no diagnostic of `biuld'; got %S") (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
    (eglot-shutdown-all)
    (kill-emacs (if found 0 1))))
